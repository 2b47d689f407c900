"""A profile against captioners whose times are known, and of the small systems that ship."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tone_folder import timed_captioners, tones

import aacbench
from aacbench.errors import AacbenchError, BadOption, PluginFault
from aacbench.profiling import Profile, profile
from aacbench.profiling.measuring import order
from aacbench.profiling.stages import sums
from aacbench.types import Clip

GUIDED = "nac:mini@events(max_tokens=8)+guide:mini(candidates=2, lookahead=4, steps=1)"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("profiled")
    tones(folder / "tones")
    timed_captioners(folder)
    return folder


def timed(place: Path, captioner: str, **settings: object) -> Profile:
    given = {"clips": 10, "samples": 11, "batch_sizes": (1,), "warm_up": 1, **settings}
    return profile(f"{place / 'timed.py'}:{captioner}", str(place / "tones"), **given)


@pytest.fixture(scope="module")
def sleeper(place: Path) -> Profile:
    return timed(place, "Sleeper", samples=64, batch_sizes=(1, 5))


@pytest.fixture(scope="module")
def guided() -> Profile:
    return profile(GUIDED, clips=4, samples=12, batch_sizes=(2,), warm_up=2)


# --- times that are known -------------------------------------------------------------------------


def test_percentiles_are_those_of_the_time_that_was_slept(sleeper: Profile):
    slept = [10.0 * (clip + 1) for clip in order(10, 64, 0)]  # milliseconds
    for percent in (50, 90):
        expected = np.percentile(slept, percent)
        assert expected <= sleeper.latency[f"p{percent}_ms"] <= 1.3 * expected + 15
    assert sleeper.latency["n"] == 64


def test_percentiles_without_samples_enough_are_absent_and_say_what_is_missing(sleeper: Profile):
    assert sleeper.latency["p95_ms"] is None
    assert sleeper.latency["p99_ms"] is None
    assert "66 more are needed" in sleeper.absent["latency.p95_ms"]


def test_stages_share_the_time_as_it_was_slept(sleeper: Profile):
    generate, encode = sleeper.stages["generate"], sleeper.stages["encode"]
    assert generate["share"] == pytest.approx(3 * encode["share"], rel=0.2)
    assert sums(sleeper.stages) == pytest.approx(1, abs=0.05)


def test_tokens_and_what_one_takes(sleeper: Profile):
    assert sleeper.tokens == 4
    median = np.median([7.5 * (clip + 1) / 4 for clip in order(10, 64, 0)])
    assert median <= (sleeper.ms_per_token or 0) <= 1.3 * median + 5


def test_a_sleep_of_a_tenth_of_the_sound_is_a_real_time_factor_of_a_tenth(sleeper: Profile):
    assert 0.1 <= sleeper.rtf <= 0.16


def test_batches_of_one_who_works_clip_by_clip_are_no_faster(sleeper: Profile):
    speeds = {row["batch"]: row["clips_per_s"] for row in sleeper.throughput}
    assert set(speeds) == {1, 5}
    for speed in speeds.values():
        assert 8 <= speed <= 1 / 0.055  # ten tones, of half a second on average


def test_what_does_not_use_torch_has_neither_parameters_nor_operations(sleeper: Profile):
    assert sleeper.parameters is None
    assert sleeper.flops is None
    assert {"parameters", "flops", "guide", "first_token_ms"} <= set(sleeper.absent)


def test_one_that_names_no_stages_is_timed_as_a_whole(place: Path):
    found = timed(place, "Sleeper(staged=False)")
    assert set(found.stages) == {"decode", "caption"}
    assert "names none of its stages" in found.absent["stages"]
    assert sums(found.stages) == pytest.approx(1, abs=0.05)


def test_stages_that_a_caption_reports_are_taken_from_it(place: Path):
    found = timed(place, "Reporter")
    shares = {name: one["share"] for name, one in found.stages.items()}
    assert {"decode", "encode", "generate", "overhead"} == set(shares)
    assert shares["generate"] == pytest.approx(3 * shares["encode"], rel=0.01)
    assert sums(found.stages) == pytest.approx(1, abs=0.05)


def test_too_few_samples_make_it_invalid_with_the_number_that_is_missing(place: Path):
    found = timed(place, "Sleeper(factor=0.01)", samples=5)
    assert not found.valid
    assert found.latency["p50_ms"] is None
    assert any("p50 wants 11 samples; there are 5, 6 more" in reason for reason in found.reasons)


# --- mistakes -------------------------------------------------------------------------------------


def test_a_captioner_that_fails_is_named_with_the_clip(place: Path):
    with pytest.raises(PluginFault, match=r"failed on 0.wav: ValueError: out of tune"):
        timed(place, "Broken", clips=1)
    with pytest.raises(PluginFault, match="gave 0 results for 1 clips"):
        timed(place, "Short")


def test_a_target_without_sounds_is_refused(tmp_path: Path, place: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "captions.csv").write_text("file_name,caption\nlost.wav,a tone\n")
    with pytest.raises(AacbenchError, match="No sound"):
        profile(f"{place / 'timed.py'}:Sleeper", str(empty))


@pytest.mark.parametrize(
    "settings", [{"samples": 0}, {"clips": 0}, {"threads": 0}, {"batch_sizes": (1, 0)}]
)
def test_counts_below_one_are_refused(place: Path, settings: dict[str, object]):
    with pytest.raises(BadOption, match="is too few"):
        timed(place, "Sleeper", **settings)


# --- the systems that ship ------------------------------------------------------------------------


def test_stages_of_a_guided_captioner_sum_to_the_whole(guided: Profile):
    assert {"decode", "resample", "encode", "guide", "generate"} <= set(guided.stages)
    assert sums(guided.stages) == pytest.approx(1, abs=0.05)
    assert guided.stages["guide"]["share"] > guided.stages["generate"]["share"]


def test_a_guide_costs_more_than_its_captioner_alone(guided: Profile):
    assert guided.guide is not None
    assert guided.guide["against"] == "nac:mini@events(max_tokens=8) at 1 beam"
    assert guided.guide["ratio"] > guided.guide["low"] > 1
    assert guided.guide["as_it_stands"]["against"] == "nac:mini@events(max_tokens=8) at 5 beams"


def test_parameters_are_those_at_work(guided: Profile):
    assert guided.parameters is not None
    counted = guided.parameters["parts"]
    small = {"captioner.model.mapper", "captioner.model.language_model", "captioner.encoder.ears"}
    assert small <= {name for name, one in counted.items() if one["used"]}
    assert guided.parameters["total"] == sum(c["parameters"] for c in counted.values() if c["used"])
    assert guided.parameters["loaded"] > 10 * guided.parameters["total"]  # its text side is idle


def test_operations_are_told_by_stage(guided: Profile):
    assert guided.flops is not None
    stages = guided.flops["stages"]
    assert {"encode", "guide", "generate"} == set(stages)
    assert sum(stages.values()) == pytest.approx(guided.flops["total"])
    assert stages["guide"] > stages["generate"]


def test_the_rest_is_there(guided: Profile):
    assert (guided.first_token_ms or 0) > 0
    assert guided.memory["peak_mib"] > guided.memory["before_mib"] > 0
    assert set(guided.memory["phases"]) == {"load", "warm-up", "one clip at a time", "batches"}
    assert guided.load["seconds"] > 0
    assert guided.settings["sound"].startswith("the target makes its sounds")
    assert guided.energy is not None or "energy" in guided.absent


def test_a_machine_is_described_without_its_names(guided: Profile):
    import getpass
    import socket

    told = json.dumps(guided.machine)
    assert socket.gethostname() not in told or len(socket.gethostname()) < 4
    assert getpass.getuser() not in told or getpass.getuser() in {"linux", "root"}
    assert guided.machine["threads"] >= 1
    assert len(guided.machine["id"]) == 16


def test_a_profile_is_json(guided: Profile):
    again = json.loads(json.dumps(guided.as_json(), allow_nan=False))
    assert again["schema"] == 1
    assert again["captioner"] == GUIDED


# --- into a run -----------------------------------------------------------------------------------


def test_a_profile_goes_into_the_run_of_the_same_captioner_only(place: Path, tmp_path: Path):
    captioner, target = f"{place / 'timed.py'}:Sleeper(factor=0.01)", str(place / "tones")
    run = aacbench.run(captioner, target, out=tmp_path, limit=2)
    found = timed(place, "Sleeper(factor=0.01)", into=run)
    written = json.loads((run / "profile.json").read_text())
    assert written["decides"] == found.decides
    assert written["latency"]["n"] == 11
    (run / "profile.json").unlink()
    with pytest.raises(BadOption, match="differs in captioner"):
        timed(place, "Sleeper(factor=0.02)", into=run)
    assert not (run / "profile.json").exists()


def test_clips_are_spread_over_the_target():
    from aacbench.profiling.sounds import spread
    from aacbench.types import Audio

    sound = Audio(np.zeros(100, np.float32), 1000)
    clips = [Clip(str(number), sound) for number in range(10)]
    assert [clip.id for clip in spread(clips, 4)] == ["0", "2", "5", "7"]
    assert spread(clips, 20) == clips
    assert spread([Clip("picture", None)], 3) == []
