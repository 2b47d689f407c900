"""Shards of a run: apart they caption each clip once, gathered they are one run like any other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pitches import captioners, planned, tones, without_times

from aacbench import api, gathering, running, sharding
from aacbench.config import RunSettings
from aacbench.errors import BadData, BadOption, Busy
from aacbench.report.reading import read_runs
from aacbench.sharding import Shard
from aacbench.store import CAPTIONS, MANIFEST

MAIN = [sys.executable, "-c", "from aacbench.cli import main; main()"]


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    return tones(tmp_path / "sounds", 10)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return captioners(tmp_path)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def run_shards(captioner: object, sounds: Path, out: Path, *shards: str, **settings: Any) -> Path:
    for shard in shards:
        outcome = running.run(planned(captioner, sounds, out, shard=shard, **settings))
    return outcome.folder.path


def test_gathered_shards_are_the_run_that_was_not_parted(sounds: Path, file: Path, out: Path):
    whole = running.run(planned(f"{file}:Tone", sounds, out / "whole")).folder.path
    parted = run_shards(f"{file}:Tone", sounds, out / "parted", "2/3", "3/3", "1/3")
    assert not (parted / CAPTIONS).exists()
    gathered = gathering.gather(parted)
    assert without_times(parted) == without_times(whole)
    assert [str(shard) for shard in gathered.shards] == ["1/3", "2/3", "3/3"]
    assert (gathered.captioned, gathered.failed, gathered.missing) == (10, 0, ())
    assert sharding.lying(parted) == []
    assert api.score(parted, ["bleu"])["figures"] == api.score(whole, ["bleu"])["figures"]


def test_a_shard_has_every_nth_clip_of_the_target_whatever_was_done_before(
    sounds: Path, file: Path, out: Path, tmp_path: Path
):
    running.run(planned(f"{file}:Tone", sounds, out, limit=3))
    folder = run_shards(f"{file}:Tone", sounds, out, "1/3", "2/3")
    done = {str(s): sorted(_lines(folder, s)) for s in sharding.lying(folder)}
    assert done == {"1/3": ["03.wav", "06.wav", "09.wav"], "2/3": ["04.wav", "07.wav"]}


def _lines(folder: Path, shard: Shard) -> list[str]:
    text = (folder / f"captions.{shard.part}.jsonl").read_text()
    return [json.loads(line)["id"] for line in text.splitlines()]


def test_failures_are_the_same_in_shards_as_in_one_run(sounds: Path, file: Path, out: Path):
    (sounds / "05.wav").write_bytes(b"RIFF but not a sound at all")
    whole = running.run(planned(f"{file}:Picky", sounds, out / "whole")).folder.path
    parted = run_shards(f"{file}:Picky", sounds, out / "parted", "1/2", "2/2")
    gathered = gathering.gather(parted)
    assert (gathered.captioned, gathered.failed) == (8, 2)
    ids = [line["id"] for line in without_times(parted)]
    assert ids == sorted(ids), "in the target's order, failures too"
    assert without_times(parted) == sorted(without_times(whole), key=lambda line: line["id"])


def test_what_is_missing_is_named_by_shard_and_clip(sounds: Path, file: Path, out: Path):
    folder = run_shards(f"{file}:Tone", sounds, out, "1/4", "4/4")
    told = command("gather", folder)
    assert told.returncode == 1
    assert "5 clips are missing: 01.wav, 02.wav, 05.wav, 06.wav, 09.wav" in told.stderr
    assert "3 of them are shard 2/4's: run it again with --shard 2/4" in told.stderr
    assert "2 of them are shard 3/4's" in told.stderr
    run_shards(f"{file}:Tone", sounds, out, "2/4", "3/4")
    told = command("gather", folder, "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout)["shards"] == ["2/4", "3/4"]
    whole = running.run(planned(f"{file}:Tone", sounds, out / "whole")).folder.path
    assert without_times(folder) == without_times(whole)


def test_clips_beyond_the_limit_are_not_missing(sounds: Path, file: Path, out: Path):
    folder = run_shards(f"{file}:Tone", sounds, out, "1/2", "2/2", limit=5)
    gathered = gathering.gather(folder)
    assert (gathered.captioned, gathered.missing) == (5, ())


def test_ungathered_shards_are_refused_by_whoever_reads_the_run(
    sounds: Path, file: Path, out: Path
):
    whole = running.run(planned(f"{file}:Tone", sounds, out, limit=3)).folder.path
    api.score(whole, ["bleu"])
    folder = run_shards(f"{file}:Tone", sounds, out, "1/2", "2/2")
    for read in (api.score, lambda path: read_runs([path])):
        with pytest.raises(BadData, match=r"1-of-2, 2-of-2") as caught:
            read(folder)
        assert caught.value.hint == f"Type: aacbench gather '{folder}'"


def test_a_run_without_shard_gathers_and_does_only_what_they_left(
    sounds: Path, file: Path, out: Path, tmp_path: Path
):
    log = tmp_path / "log"
    expression = f"{file}:Tone(log={log})"
    folder = run_shards(expression, sounds, out, "2/3")
    outcome = running.run(planned(expression, sounds, out))
    assert (outcome.folder.path, outcome.done_before, outcome.captioned) == (folder, 3, 10)
    assert sharding.lying(folder) == []
    again = running.run(planned(expression, sounds, out, shard="1/5"))
    assert (again.done_before, again.captioned) == (2, 2)
    heard = [line.split()[0] for line in log.read_text().splitlines()]
    assert sorted(heard) == [f"{number:02d}.wav" for number in range(10)], "each clip once"


def test_another_division_does_not_caption_again(
    sounds: Path, file: Path, out: Path, tmp_path: Path
):
    log = tmp_path / "log"
    expression = f"{file}:Tone(log={log})"
    folder = run_shards(expression, sounds, out, "1/2", "1/3", "2/3", "3/3")
    assert len(log.read_text().splitlines()) == 10
    assert gathering.gather(folder).captioned == 10


def test_a_failure_that_another_shard_mends_counts_as_its_caption(
    sounds: Path, file: Path, out: Path, tmp_path: Path
):
    expression = f"{file}:Picky(cured={tmp_path / 'cured'})"
    folder = run_shards(expression, sounds, out, "1/2", "2/2")
    assert gathering.gather(folder).failed == 1
    (tmp_path / "cured").touch()
    run_shards(expression, sounds, out, "1/2", "2/2", retry_failed=True)
    gathered = gathering.gather(folder)
    assert (gathered.captioned, gathered.failed) == (10, 0)


def test_gathering_that_was_killed_before_it_was_done_goes_on(sounds: Path, file: Path, out: Path):
    folder = run_shards(f"{file}:Tone", sounds, out, "1/2", "2/2")
    kept = {path: path.read_bytes() for path in folder.glob("captions.*")}
    gathering.gather(folder)
    once = (folder / CAPTIONS).read_bytes()
    for path, content in kept.items():  # as after a kill between writing and removing
        path.write_bytes(content)
    gathering.gather(folder)
    assert (folder / CAPTIONS).read_bytes() == once
    assert gathering.gather(folder).shards == ()


def test_shards_at_once_share_a_folder_and_its_manifest(sounds: Path, file: Path, out: Path):
    working = [started(file, sounds, out, f"{number}/4") for number in (1, 2, 3, 4)]
    for one in working:
        _, errors = one.communicate(timeout=120)
        assert one.returncode == 0, errors
        assert "aacbench gather" in errors
    (manifest,) = out.glob(f"*/*/*/{MANIFEST}")
    starts = json.loads(manifest.read_text())["starts"]
    assert sorted(start["shard"] for start in starts) == ["1/4", "2/4", "3/4", "4/4"]
    assert gathering.gather(manifest.parent).captioned == 10


def test_a_shard_that_is_killed_goes_on_and_cannot_be_gathered_while_it_works(
    file: Path, out: Path, tmp_path: Path
):
    sounds = tones(tmp_path / "many", 40)
    whole = running.run(planned(f"{file}:Tone(seconds=0.02)", sounds, out / "whole")).folder.path
    victim = started(file, sounds, out / "parted", "1/2", "--batch-size", "1")
    try:
        while victim.poll() is None and not _any_lines(out):
            time.sleep(0.005)
        os.kill(victim.pid, signal.SIGSTOP)
        (folder,) = out.glob("parted/*/*/*")
        with pytest.raises(Busy, match="shard 1-of-2"):
            gathering.gather(folder)
        with pytest.raises(Busy, match="shard 1-of-2"):
            run_shards(f"{file}:Tone(seconds=0.02)", sounds, out / "parted", "1/2")
        part = folder / "captions.1-of-2.jsonl"
        assert 0 < part.read_bytes().count(b"\n") < 20
    finally:
        victim.kill()
        victim.communicate()
    part.write_bytes(part.read_bytes() + b'{"id": "torn')
    run_shards(f"{file}:Tone(seconds=0.02)", sounds, out / "parted", "1/2", "2/2")
    gathering.gather(folder)
    assert without_times(folder) == without_times(whole)


def _any_lines(out: Path) -> bool:
    return any(path.stat().st_size for path in out.glob("parted/*/*/*/captions.*"))


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "2", "x/y", "-1/4", "1/4/2", ""])
def test_a_shard_that_cannot_be_is_refused(text: str):
    with pytest.raises(BadOption, match="no shard"):
        RunSettings(captioner="random", target="clotho", shard=text)


def test_shards_and_executors_stay_out_of_the_run_key(sounds: Path, file: Path, out: Path):
    plain = planned(f"{file}:Tone", sounds, out)
    other = planned(f"{file}:Tone", sounds, out, shard="1/2", executor="ray", workers=7)
    assert plain.key == other.key
    assert plain.folder.path == other.folder.path


def test_a_folder_that_is_no_runs_cannot_be_gathered(tmp_path: Path):
    told = command("gather", tmp_path)
    assert told.returncode == 2
    assert "manifest.json" in told.stderr


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAIN, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )


def started(file: Path, sounds: Path, out: Path, shard: str, *more: str) -> subprocess.Popen[str]:
    arguments = ["run", "-c", f"{file}:Tone(seconds=0.02)", "-t", sounds, "--out", out]
    return subprocess.Popen(
        [*MAIN, *map(str, arguments), "--shard", shard, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
