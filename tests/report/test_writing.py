"""The folder of a listening page: the same bytes each time, whole or not there, and honest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from filelock import FileLock

from aacbench import api, report
from aacbench.errors import BadData, BadOption, Busy


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def data_of(page: Path) -> dict:
    text = page.read_text(encoding="utf-8")
    return json.loads(text.partition('id="data">')[2].partition("</script>")[0])


def rest_of(page: Path, name: str) -> dict:
    at = next(n for n, clip in enumerate(data_of(page)["clips"]) if clip["id"] == name)
    size = data_of(page)["chunk"]
    text = (page.parent / "clips" / f"{at // size}.js").read_text(encoding="utf-8")
    inner = text.partition(", ")[2].removesuffix(");\n")
    return json.loads(json.loads(inner))[at % size]


def test_the_same_runs_give_the_same_bytes(runs: Mapping[str, Path], both: Path, tmp_path: Path):
    again = report.write(list(runs.values()), tmp_path / "again", clips=None)
    assert contents(again.page.parent) == contents(both.parent)


def test_the_page_tells_no_folder_of_the_machine_that_wrote_it(
    both: Path, target: Path, runs: Mapping[str, Path]
):
    home = runs["Plain"].parents[3]
    for name, content in contents(both.parent).items():
        assert str(target.parent).encode() not in content, name
        assert str(home).encode() not in content, name
    assert data_of(both)["systems"][0]["name"] == "captioners.py:Plain"


def test_what_is_said_of_its_weight_is_what_it_weighs(runs: Mapping[str, Path], tmp_path: Path):
    written = report.write([runs["Plain"]], tmp_path / "out", clips=5)
    files = contents(tmp_path / "out")
    assert written.bytes == sum(map(len, files.values()))
    assert written.files == len(files)
    sound = sum(len(c) for name, c in files.items() if name.endswith(".flac"))
    assert written.weight["sound"] == sound > 0
    assert written.sounds + sum(written.silent.values()) == 5
    assert written.clips == 30


def test_sound_is_what_captioners_heard(both: Path, target: Path):
    rest = rest_of(both, "00.wav")
    heard, rate = soundfile.read(both.parent / rest["sound"]["file"])
    original, original_rate = soundfile.read(target / "00.wav")
    assert rate == original_rate
    assert np.abs(heard - original).max() < 1e-4
    assert rest["sound"]["peak_db"] == -6.0
    assert rest["sound"]["seconds"] == 2.0


def test_what_no_16_bits_can_hold_is_made_quieter_and_said_so(both: Path, target: Path):
    rest = rest_of(both, "04.wav")["sound"]
    heard, _ = soundfile.read(both.parent / rest["file"])
    assert rest["quieter_db"] == -6.0
    assert rest["peak_db"] == 6.0
    assert 0.999 < np.abs(heard).max() <= 1.0
    original, _ = soundfile.read(target / "04.wav")
    assert np.abs(heard - original / 2).max() < 1e-4


def test_silence_is_a_flat_line(both: Path):
    rest = rest_of(both, "01.wav")["sound"]
    assert not any(rest["wave"])
    assert rest["peak_db"] is None


def test_a_clip_whose_sound_has_gone_says_so(both: Path):
    rest = rest_of(both, "08.wav")
    assert "not on the machine" in rest["sound"]["silent"]
    assert not data_of(both)["clips"][8]["sound"]


def test_a_sound_that_cannot_be_decoded_says_so_without_its_folder(
    runs: Mapping[str, Path], target: Path, tmp_path: Path
):
    path = target / "29.wav"
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:100] + b"\xff" * 20)
        written = report.write([runs["Plain"]], tmp_path / "out", clips=None)
    finally:
        path.write_bytes(whole)
    (reason,) = (r for r in written.silent if "29.wav" in r)
    assert "Its sound cannot be decoded" in reason
    assert str(target) not in reason


def test_limits_of_sound_are_kept(runs: Mapping[str, Path], tmp_path: Path):
    written = report.write([runs["Plain"]], tmp_path / "out", clips=3, rate=8000, seconds=0.5)
    sounds = list((tmp_path / "out" / "sound").iterdir())
    assert len(sounds) == 3
    for sound in sounds:
        about = soundfile.info(sound)
        assert (about.samplerate, about.duration) == (8000, 0.5)
    assert written.sounds == 3


def test_clips_in_which_the_word_is_said_get_sound_first(runs: Mapping[str, Path], tmp_path: Path):
    report.write([runs["Other"]], tmp_path / "out", clips=4, word="whistles")
    clips = data_of(tmp_path / "out" / "index.html")["clips"]
    heard = [clip for clip in clips if clip["sound"]]
    assert len(heard) == 4
    assert all("whistles" in " ".join(clip["references"]) for clip in heard)


def test_a_run_without_scores_works_and_is_named(target: Path, runs, tmp_path: Path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("manifest.json", "captions.jsonl"):
        (bare / name).write_bytes((runs["Plain"] / name).read_bytes())
    written = report.write([bare], tmp_path / "out", clips=2)
    assert written.unscored == (bare,)
    data = data_of(written.page)
    assert data["figures"] == []
    assert data["opens"]["figure"] is None
    assert not data["systems"][0]["scored"]


def test_runs_of_different_targets_are_refused_by_name(
    runs: Mapping[str, Path], target: Path, tmp_path: Path
):
    other = tmp_path / "elsewhere"
    other.mkdir()
    for sound in sorted(target.glob("*.wav"))[:3]:
        (other / sound.name).write_bytes(sound.read_bytes())
    captioners = runs["Plain"].parents[3] / "captioners.py"
    stranger = api.run(f"{captioners}:Plain", str(other), out=tmp_path / "runs")
    with pytest.raises(BadOption) as refused:
        report.write([runs["Plain"], stranger], tmp_path / "out")
    assert str(runs["Plain"]) in refused.value.message
    assert str(stranger) in refused.value.message
    assert "elsewhere" in refused.value.message
    assert not (tmp_path / "out").exists()


def test_runs_of_different_splits_are_refused(runs: Mapping[str, Path], tmp_path: Path):
    twin = tmp_path / "twin"
    twin.mkdir()
    for path in runs["Other"].iterdir():
        (twin / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((twin / "manifest.json").read_text())
    manifest["target"]["split"] = "validation"
    (twin / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadOption, match="captions folder"):
        report.write([runs["Plain"], twin], tmp_path / "out")


def test_a_run_given_twice_is_refused(runs: Mapping[str, Path], tmp_path: Path):
    with pytest.raises(BadOption, match="is the same run as"):
        report.write([runs["Plain"], runs["Plain"]], tmp_path / "out")


def test_what_is_no_run_is_refused(tmp_path: Path):
    with pytest.raises(BadData, match=r"has no manifest\.json"):
        report.write([tmp_path], tmp_path / "out")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sort": "random"}, "There is no order 'random'"),
        ({"clips": -1}, "-1 clips"),
        ({"rate": 100}, "100 Hz"),
        ({"seconds": 0}, "0 s"),
        ({"figure": "spice"}, "No clip has the figure 'spice'"),
    ],
)
def test_options_without_meaning_are_refused_before_anything_is_written(
    runs: Mapping[str, Path], tmp_path: Path, settings: dict, words: str
):
    with pytest.raises(BadOption, match=words):
        report.write([runs["Plain"]], tmp_path / "out", **settings)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_ours_is_left_alone(runs: Mapping[str, Path], tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(BadData, match="is no listening page"):
        report.write([runs["Plain"]], tmp_path / "out")
    with pytest.raises(BadData, match="is no listening page"):
        report.write([runs["Plain"]], tmp_path / "out" / "thesis.tex")
    with pytest.raises(BadData, match="is no listening page"):
        report.write([runs["Plain"]], runs["Plain"])
    assert (tmp_path / "out" / "thesis.tex").read_text() == "years of work"


def test_a_page_replaces_the_one_before_and_leaves_nothing_else(
    runs: Mapping[str, Path], tmp_path: Path
):
    report.write([runs["Plain"]], tmp_path / "out", clips=5)
    report.write([runs["Other"]], tmp_path / "out", clips=2)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len(list((tmp_path / "out" / "sound").iterdir())) == 2


KILLED = """
import os, signal, sys
from aacbench import report

def told(done, of):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)

report.write([sys.argv[1]], sys.argv[2], clips=9, progress=told)
"""


def test_killed_half_way_the_page_before_stays_and_the_next_is_whole(
    runs: Mapping[str, Path], tmp_path: Path
):
    report.write([runs["Plain"]], tmp_path / "out", clips=1)
    before = contents(tmp_path / "out")
    arguments = [sys.executable, "-c", KILLED, str(runs["Plain"]), str(tmp_path / "out")]
    done = subprocess.run(arguments, check=False, timeout=60, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert contents(tmp_path / "out") == before
    report.write([runs["Plain"]], tmp_path / "out", clips=2)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len(list((tmp_path / "out" / "sound").iterdir())) == 2


def test_a_second_process_is_refused(runs: Mapping[str, Path], tmp_path: Path):
    with FileLock(tmp_path / ".out.lock"), pytest.raises(Busy, match="Another process"):
        report.write([runs["Plain"]], tmp_path / "out", clips=0)
    report.write([runs["Plain"]], tmp_path / "out", clips=0)
