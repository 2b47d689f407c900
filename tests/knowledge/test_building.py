"""Building a base from real sounds: whole, exact, and the same however often it is killed."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
import soundfile
from filelock import FileLock
from short_clips import contents, read_table, write_folder, write_table

from aacbench import bases
from aacbench.bases import Recipe
from aacbench.errors import BadData, BadOption, Busy
from aacbench.executors.local import Local
from aacbench.knowledge import building, planning, shards
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.building import append, build, resume
from aacbench.knowledge.embedding import Ears
from aacbench.knowledge.planning import held_out
from aacbench.workshop import Workshop

CLIPS = 11
SOURCE = "soundbox:events:train:{}"


@pytest.fixture(scope="module")
def workshop() -> Workshop:
    """One for all tests, so that the encoder is loaded once."""
    return Workshop()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("sounds") / "here", range(CLIPS))


@pytest.fixture
def sounds(recorded, tmp_path) -> Path:
    """A folder of its own to damage."""
    shutil.copytree(recorded, tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch, tmp_path) -> None:
    """Groups of four clips, eight pairs a shard: two groups, one behind the other."""
    monkeypatch.setattr(planning, "GROUP", 4)
    monkeypatch.setattr(planning, "SHARD_PAIRS", 16)
    monkeypatch.setenv("AACBENCH_DATA", str(tmp_path / "data"))


def mine(*data: object, longest: float | None = None) -> Recipe:
    return Recipe("mine", data=tuple(map(str, data)), longest=longest)


def in_a_child_that_dies(work: Callable[[], object]) -> int:
    """Run `work` in a process of its own; gives the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def killed_at_write(number: int, work: Callable[[], object]) -> None:
    """Die with half of the `number`-th write to a shard on disk."""
    plain, seen = shards._write, 0

    def dying(path: Path, at: int, content: bytes) -> None:
        nonlocal seen
        seen += 1
        if seen < number:
            plain(path, at, content)
            return
        plain(path, at, content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    shards._write = dying
    work()


def test_each_caption_of_each_clip_is_an_entry_with_both_its_embeddings(
    recorded, workshop, tmp_path
):
    told = []
    base = build(
        mine(recorded),
        "clap",
        tmp_path / "base",
        workshop,
        report=lambda done, of: told.append((done, of)),
    )
    table = read_table(recorded)[1:]
    entries = list(base.all_entries())
    assert [[e.id, e.caption, e.source_id] for e in entries] == table
    assert {e.dataset for e in entries} == {"folder:here/all"}
    assert base.datasets == ("folder/all",)
    assert base.encoder == "clap:mini"
    assert base.manifest["counts"]["pairs"] == len(table) == 2 * CLIPS
    assert base.manifest["counts"]["clips"] == CLIPS
    assert len(base.manifest["shards"]) == 2
    assert told == [(4, 11), (8, 11), (11, 11)]

    encoder = workshop.build("encoders", "clap:mini")
    clips = {c.id: c for c in workshop.build("datasets", f"folder(path={recorded})").clips("all")}
    heard, said = base.vectors(range(len(base)))
    expected = encoder.embed_audio([clips[entry.id] for entry in entries])
    np.testing.assert_allclose(heard, expected, atol=1e-3)
    np.testing.assert_allclose(said, encoder.embed_text([e.caption for e in entries]), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(heard.astype(float), axis=1), 1, atol=2e-3)


@pytest.mark.parametrize("write", [1, 4, 8])
def test_killed_in_the_midst_of_a_file_it_ends_with_the_same_bytes(
    recorded, workshop, tmp_path, write
):
    whole = build(mine(recorded), "clap:mini", tmp_path / "whole", workshop)

    def work() -> object:
        return build(mine(recorded), "clap:mini", tmp_path / "base", workshop)

    assert in_a_child_that_dies(lambda: killed_at_write(write, work)) == signal.SIGKILL
    with pytest.raises(BadData, match="is not finished"):
        KnowledgeBase.open(tmp_path / "base")
    told = []
    resume(tmp_path / "base", workshop, report=lambda done, of: told.append(done))
    assert contents(tmp_path / "base") == contents(whole.path)
    if write > 3:
        assert told[0] > 4  # the first group was kept


def test_killed_before_the_last_word_it_computes_nothing_again(
    recorded, workshop, tmp_path, monkeypatch
):
    whole = contents(build(mine(recorded), "clap:mini", tmp_path / "base", workshop).path)
    shutil.copytree(tmp_path / "base", tmp_path / "other")

    def work() -> object:
        building._Construction._say_finished = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        return build(mine(recorded), "clap:mini", tmp_path / "new", workshop)

    assert in_a_child_that_dies(work) == signal.SIGKILL
    monkeypatch.setattr(Local, "run", lambda *_: pytest.fail("nothing is left to be embedded"))
    build(mine(recorded), "clap:mini", tmp_path / "new", workshop)
    assert contents(tmp_path / "new") == whole


def test_a_finished_base_is_given_without_reading_its_data(sounds, workshop, tmp_path):
    first = build(mine(sounds), "clap:mini", tmp_path / "base", workshop)
    for path in sounds.glob("*.wav"):
        path.unlink()
    again = build(mine(sounds), "clap:mini", tmp_path / "base", workshop)
    assert again.digest == first.digest


def test_a_shard_that_is_deleted_is_made_anew_and_no_other(recorded, workshop, tmp_path):
    base = build(mine(recorded), "clap:mini", tmp_path / "base", workshop)
    before = contents(base.path)
    first, second = sorted((base.path / "shards").iterdir())
    shutil.rmtree(second)
    kept = (first / "audio.f16").stat().st_mtime_ns
    with pytest.raises(BadData, match="is missing"):
        KnowledgeBase.open(base.path)
    told = []
    resume(base.path, workshop, report=lambda done, of: told.append((done, of)))
    assert contents(base.path) == before
    assert (first / "audio.f16").stat().st_mtime_ns == kept
    assert told == [(11, 11)]


def test_data_that_changed_in_the_meantime_are_not_mixed_in(sounds, workshop, tmp_path):
    def work() -> object:
        return build(mine(sounds), "clap:mini", tmp_path / "base", workshop)

    assert in_a_child_that_dies(lambda: killed_at_write(4, work)) == signal.SIGKILL
    write_table(sounds, read_table(sounds)[:-2])
    with pytest.raises(BadData, match="has changed since"):
        resume(tmp_path / "base", workshop)


def test_adding_makes_the_new_shards_alone_and_equals_building_at_once(
    recorded, workshop, tmp_path
):
    more = write_folder(tmp_path / "more", range(CLIPS, CLIPS + 3))
    at_once = build(mine(recorded, more), "clap:mini", tmp_path / "at_once", workshop)
    base = build(mine(recorded), "clap:mini", tmp_path / "base", workshop)
    before = contents(base.path / "shards")
    told = []
    added = append(base.path, [str(more)], workshop, report=lambda n, of: told.append((n, of)))
    assert told == [(3, 3)]
    assert contents(added.path) == contents(at_once.path)
    assert before.items() <= contents(base.path / "shards").items()
    assert added.digest != base.digest
    assert len(added) == len(base) + 6
    assert append(base.path, [str(more)], workshop).digest == added.digest


def test_a_base_that_is_added_to_can_be_searched_until_that_is_done(recorded, workshop, tmp_path):
    more = write_folder(tmp_path / "more", range(CLIPS, CLIPS + 6))
    at_once = build(mine(recorded, more), "clap:mini", tmp_path / "at_once", workshop)
    base = build(mine(recorded), "clap:mini", tmp_path / "base", workshop)

    def work() -> object:
        return append(base.path, [str(more)], workshop)

    assert in_a_child_that_dies(lambda: killed_at_write(5, work)) == signal.SIGKILL
    assert KnowledgeBase.open(base.path).digest == base.digest
    assert resume(base.path, workshop).digest == at_once.digest
    assert contents(base.path) == contents(at_once.path)


def test_what_stays_out_is_counted_by_reason_and_named(sounds, workshop, tmp_path):
    names = [f"events-train-{number:05d}.wav" for number in range(CLIPS)]
    (sounds / names[0]).write_bytes(b"RIFF")
    long, rate = np.tile(soundfile.read(sounds / names[1])[0], 5), 32_000
    soundfile.write(sounds / names[1], long, rate)
    soundfile.write(sounds / names[2], np.zeros(5), rate)  # shorter than a sound can be
    (sounds / names[3]).unlink()
    table = read_table(sounds)
    for row in table:
        if row[0] == names[4]:
            row[1] = " "
        if row[0] == names[5]:
            row[2] = ""
    write_table(sounds, table)
    base = build(
        mine(sounds, longest=2.0),
        "clap:mini",
        tmp_path / "base",
        workshop,
        exclude=[SOURCE.format(6), SOURCE.format(7)],
    )
    counts = base.manifest["counts"]
    assert counts["excluded"] == {
        "not_at_hand": 1,
        "no_caption": 1,
        "overlap": 2,
        "unreadable": 2,
        "too_long": 1,
    }
    assert counts["named"]["overlap"] == [names[6], names[7]]
    assert counts["named"]["too_long"] == [f"{names[1]}: 2.5 s"]
    assert [told.partition(":")[0] for told in counts["named"]["unreadable"]] == [
        names[0],
        names[2],
    ]
    assert counts["unsourced"] == 1
    assert counts["clips"] == CLIPS - 7
    assert {entry.id for entry in base.all_entries()} == {names[5], *names[8:]}


def test_a_recording_of_an_excluded_split_stays_out_though_its_clip_is_another(
    sounds, workshop, tmp_path
):
    table = read_table(sounds)
    for row in table[1:]:
        if row[0].endswith("00001.wav"):
            row[2] = "youtube:dQw4w9WgXcQ:30"
    write_table(sounds, table)
    target = write_folder(tmp_path / "target", [20], captions=1)
    write_table(
        target,
        [["file_name", "caption", "source_id"], ["x.wav", "a song", "youtube:dQw4w9WgXcQ:70"]],
    )
    base = build(mine(sounds), "clap:mini", tmp_path / "base", workshop, exclude=[str(target)])
    assert base.manifest["counts"]["excluded"] == {"overlap": 1}
    assert base.manifest["order"]["exclude"] == [f"folder@all(path={target})"]
    order = planning.order_of(mine(sounds), "clap:mini", ["clotho/evaluation", "freesound:5"])
    assert order.exclude == ("clotho@evaluation", "freesound:5")


def test_the_evaluation_splits_of_the_data_stay_out_by_default():
    assert held_out(["clotho@development"]) == ("clotho@validation", "clotho@evaluation")
    assert held_out(["audiocaps@train", "auto-acd@train"]) == (
        "audiocaps@val",
        "audiocaps@test",
        "auto-acd@test",
    )
    assert held_out(["soundbox-events@train"]) == ()


def test_every_split_of_every_named_base_exists():
    for recipe in bases.recipes().values():
        for split in (*recipe.splits(), *recipe.by):
            assert planning.canonical(split) == split


def test_with_nothing_left_the_base_is_empty_and_says_why(sounds, workshop, tmp_path):
    every = [SOURCE.format(number) for number in range(CLIPS)]
    base = build(mine(sounds), "clap:mini", tmp_path / "base", workshop, exclude=every)
    assert len(base) == 0
    assert base.dim == 384
    assert base.manifest["counts"]["excluded"] == {"overlap": CLIPS}


def test_two_bases_share_the_shards_of_a_split_that_both_hold(recorded, workshop, tmp_path):
    more = write_folder(tmp_path / "more", range(CLIPS, CLIPS + 3))
    alone = build(mine(recorded, more), "clap:mini", tmp_path / "alone", workshop)
    small = build(mine(recorded), "clap:mini", tmp_path / "small", workshop)
    told = []
    large = build(
        mine(recorded, more),
        "clap:mini",
        tmp_path / "large",
        workshop,
        report=lambda done, of: told.append((done, of)),
        near=[tmp_path / "nothing", small.path],
    )
    assert told == [(14, 14)]  # three clips at once, after the eleven that were there
    assert contents(large.path) == contents(alone.path)


def test_a_damaged_shard_is_not_shared(recorded, workshop, tmp_path):
    small = build(mine(recorded), "clap:mini", tmp_path / "small", workshop)
    whole = contents(small.path)
    path = sorted(small.path.glob("shards/*/audio.f16"))[0]
    path.write_bytes(bytes(path.stat().st_size))
    large = build(mine(recorded), "clap:mini", tmp_path / "large", workshop, near=[small.path])
    assert contents(large.path) == whole


def test_a_folder_that_holds_a_base_of_other_settings_is_refused(recorded, workshop, tmp_path):
    out = tmp_path / "base"
    build(mine(recorded), "clap:mini", out, workshop)
    with pytest.raises(BadData, match="encoder: clap:mini, not clap:small"):
        build(mine(recorded), "clap:small", out, workshop)
    with pytest.raises(BadData, match="excluded: nothing, not freesound:1"):
        build(mine(recorded), "clap:mini", out, workshop, exclude=["freesound:1"])
    with pytest.raises(BadData, match=r"longest clip: None, not 1\.0"):
        build(mine(recorded, longest=1.0), "clap:mini", out, workshop)
    with pytest.raises(BadData, match="data: folder@all"):
        build(mine("soundbox-events@train"), "clap:mini", out, workshop)


def test_weights_that_changed_are_not_mixed_in(recorded, workshop, tmp_path, monkeypatch):
    build(mine(recorded), "clap:mini", tmp_path / "base", workshop)
    monkeypatch.setattr(building, "encoder_fingerprint", lambda _: "1" * 64)
    with pytest.raises(BadData, match="other weights of clap:mini"):
        append(tmp_path / "base", ["soundbox-events@train"], workshop)


def test_a_second_writer_is_refused(recorded, workshop, tmp_path):
    (tmp_path / "base").mkdir()
    with FileLock(tmp_path / "base" / ".lock"), pytest.raises(Busy, match="Another process"):
        build(mine(recorded), "clap:mini", tmp_path / "base", workshop)


def test_a_folder_of_other_files_is_left_alone(recorded, workshop, tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "p2p.pdf").write_bytes(b"%PDF")
    with pytest.raises(BadData, match="something else than a knowledge base"):
        build(mine(recorded), "clap:mini", tmp_path / "papers", workshop)


def test_two_folders_of_one_name_cannot_be_told_apart(recorded, workshop, tmp_path):
    other = write_folder(tmp_path / "b" / "here", [30])
    with pytest.raises(BadOption, match="would both be called folder:here/all"):
        build(mine(recorded, other), "clap:mini", tmp_path / "base", workshop)


def test_data_without_a_sound_are_refused(sounds, workshop, tmp_path):
    for path in sounds.glob("*.wav"):
        path.unlink()
    with pytest.raises(BadData, match="No sound of folder@all"):
        build(mine(sounds), "clap:mini", tmp_path / "base", workshop)


def test_a_base_that_is_cut_down_is_not_built_from_data(workshop, tmp_path):
    with pytest.raises(BadOption, match="'soundbox' cut down"):
        build(bases.recipe("refined-events"), "clap:mini", tmp_path / "base", workshop)


def test_what_embeds_goes_to_another_process_without_its_encoder(workshop):
    ears = Ears("clap:mini", workshop)
    ears()
    assert len(cloudpickle.dumps(ears)) < 1000
    there = pickle.loads(cloudpickle.dumps(ears))
    assert (there.encoder, there.context.device, there.context.seed) == ("clap:mini", "cpu", 0)
