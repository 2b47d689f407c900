"""A base's files: what is appended stands, what is damaged is named, rows are what they were."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from short_clips import contents

from aacbench.errors import BadData
from aacbench.knowledge import entries as entries_module
from aacbench.knowledge import planning, writing
from aacbench.knowledge.base import KnowledgeBase, write_manifest
from aacbench.knowledge.entries import Entry, origin
from aacbench.knowledge.shards import FILES, STATE, ShardWriter
from aacbench.knowledge.writing import write

DIM = 3
ENCODER = {"expression": "clap:mini", "fingerprint": "0" * 64, "dim": DIM}

texts = st.text(max_size=12)
entries = st.builds(Entry, texts, texts, texts, st.none() | texts)
batches = st.lists(st.lists(entries, max_size=4), min_size=1, max_size=5)


def embedded(several: list[Entry], seed: int) -> tuple[list[Entry], np.ndarray, np.ndarray]:
    rows = np.random.default_rng(seed).standard_normal((2, len(several), DIM)).astype(np.float16)
    return several, rows[0], rows[1]


def pairs(count: int) -> list[Entry]:
    """Entries of `count` pairs, two of a clip; every third clip has no source."""
    return [
        Entry(str(n // 2), "clotho/development", f"sound {n}", f"freesound:{n // 2}")
        if n // 2 % 3
        else Entry(str(n // 2), "folder:mine/all", f"sound {n}")
        for n in range(count)
    ]


def blocks(count: int, size: int) -> Iterator[writing.Rows]:
    several, audio, text = embedded(pairs(count), seed=1)
    for start in range(0, count, size):
        end = start + size
        yield several[start:end], audio[start:end], text[start:end]


@pytest.fixture
def base(tmp_path, monkeypatch) -> KnowledgeBase:
    monkeypatch.setattr(writing, "SHARD_PAIRS", 7)
    return write(tmp_path / "base", ENCODER, blocks(20, 5))


@settings(max_examples=40, deadline=None)
@given(batches, st.data())
def test_what_a_killed_batch_left_behind_is_gone_after_the_next(several, data):
    """Of the batch in hand, any prefix of any file may be on disk; the end is the same."""
    made = [embedded(batch, seed) for seed, batch in enumerate(several)]
    with TemporaryDirectory() as folder:
        whole, broken = ShardWriter(Path(folder) / "whole"), Path(folder) / "broken"
        for batch in made:
            whole.append(*batch, left_out=[("unreadable", "x")])
        whole.finish()
        for number, batch in enumerate(made):
            if number:  # the batch is begun, and cut off anywhere
                more = Path(folder) / "more"
                shutil.copytree(broken, more)
                ShardWriter(more).append(*batch)
                for name in FILES:
                    ends = (broken / name).stat().st_size, (more / name).stat().st_size
                    cut = data.draw(st.integers(*ends))
                    (broken / name).write_bytes((more / name).read_bytes()[:cut])
                shutil.rmtree(more)
            ShardWriter(broken).append(*batch, left_out=[("unreadable", "x")])
        ShardWriter(broken).finish()
        assert contents(broken) == contents(whole.path)


@settings(max_examples=40, deadline=None)
@given(batches, st.sampled_from(FILES), st.data())
def test_a_file_cut_at_any_byte_is_named_and_its_shard_begun_anew(several, name, data):
    if not any(several):
        several = [[Entry("a", "b/c", "d")]]
    with TemporaryDirectory() as folder:
        made = [embedded(batch, seed) for seed, batch in enumerate(several)]
        built = write(Path(folder) / "base", ENCODER, made)
        (shard,) = (built.path / "shards").iterdir()
        whole = (shard / name).read_bytes()
        cut = data.draw(st.integers(0, len(whole) - 1))
        (shard / name).write_bytes(whole[:cut])
        with pytest.raises(BadData, match=f"{name} holds {cut} bytes where {len(whole)} are due"):
            KnowledgeBase.open(built.path)
        again = ShardWriter(shard)
        assert (again.rows, again.groups, again.complete) == (0, 0, False)
        for batch in made:
            again.append(*batch)
        again.finish()
        assert (shard / name).read_bytes() == whole


def test_rows_are_what_was_written_whatever_shards_they_lie_in(base):
    several, audio, text = embedded(pairs(20), seed=1)
    assert len(base) == 20
    assert len(base.manifest["shards"]) == 3
    assert base.manifest["counts"]["pairs"] == 20
    assert base.manifest["counts"]["clips"] == 10
    assert list(base.all_entries()) == several
    rows = [19, 0, 7, 6, 0, 13, 14]
    assert base.entries(rows) == [several[row] for row in rows]
    heard, said = base.vectors(rows)
    np.testing.assert_array_equal(heard, audio[rows])
    np.testing.assert_array_equal(said, text[rows])
    read = list(base.blocks(4))
    assert [block.first for block in read] == [0, 4, 7, 11, 14, 18]
    np.testing.assert_array_equal(np.concatenate([block.audio for block in read]), audio)
    np.testing.assert_array_equal(np.concatenate([block.text for block in read]), text)


def test_a_row_that_does_not_exist_is_refused(base):
    for row in (-1, 20):
        with pytest.raises(IndexError, match="0 to 19"):
            base.vectors([row])
        with pytest.raises(IndexError, match="0 to 19"):
            base.entries([row])


def test_how_rows_come_in_blocks_leaves_no_trace(tmp_path, monkeypatch, base):
    other = write(tmp_path / "other", ENCODER, blocks(20, 3))
    assert other.digest == base.digest
    here, there = contents(base.path), contents(other.path)
    for name in here:
        if not name.endswith(STATE):  # which counts the blocks
            assert here[name] == there[name]


def test_embeddings_are_read_from_disk_as_they_are_asked_for(base):
    block = next(base.blocks())
    assert isinstance(block.audio, np.memmap)
    assert not block.audio.flags.writeable


def test_rows_of_one_recording_are_found_across_excerpts_and_clips_without_one_by_id(tmp_path):
    told = ["youtube:a:30", "youtube:a:70", None, "freesound:1", "youtube:b", None]
    several = [Entry(f"clip{n}", "x/all", "a", source) for n, source in enumerate(told)]
    rows = write(tmp_path / "base", ENCODER, [embedded(several, 0)]).rows_by_recording()
    assert rows["youtube:a"].tolist() == [0, 1]
    assert rows["freesound:1"].tolist() == [3]
    assert rows["youtube:b"].tolist() == [4]
    assert rows["clip5"].tolist() == [5]
    assert rows.get("clip0") is None
    assert list(rows) == ["youtube:a", "clip2", "freesound:1", "youtube:b", "clip5"]
    assert len(rows) == 5


def test_an_empty_base_can_be_opened(tmp_path):
    base = KnowledgeBase.open(write(tmp_path / "base", ENCODER, []).path)
    assert len(base) == 0
    assert list(base.blocks()) == []
    assert list(base.all_entries()) == []
    assert base.entries([]) == []
    assert base.vectors([])[0].shape == (0, DIM)
    assert len(base.rows_by_recording()) == 0


def test_two_states_of_a_base_have_two_digests(tmp_path, base):
    fewer = write(tmp_path / "fewer", ENCODER, blocks(19, 5))
    several, audio, text = embedded(pairs(20), seed=1)
    text[19, 0] += np.float16(0.5)
    changed = write(tmp_path / "changed", ENCODER, [(several, audio, text)])
    renamed = [*several[:-1], Entry("9", "folder:mine/all", "another sound")]
    other = write(tmp_path / "renamed", ENCODER, [(renamed, *embedded(several, 1)[1:])])
    assert len({base.digest, fewer.digest, changed.digest, other.digest}) == 4


def test_a_missing_file_is_named(base):
    path = base.path / "shards/00001/text.f16"
    path.unlink()
    with pytest.raises(BadData, match=r"00001/text\.f16 is missing"):
        KnowledgeBase.open(base.path)


def test_a_changed_byte_is_named_where_every_byte_is_read(base):
    path = base.path / "shards/00002/audio.f16"
    held = bytearray(path.read_bytes())
    held[5] ^= 1
    path.write_bytes(held)
    damaged = KnowledgeBase.open(base.path)
    with pytest.raises(BadData, match=r"00002/audio\.f16 is damaged"):
        damaged.verify()


def test_an_entry_that_is_no_line_of_json_is_named_with_its_file(base):
    path = base.path / "shards/00000/entries.jsonl"
    path.write_bytes(b"?" + path.read_bytes()[1:])
    with pytest.raises(BadData, match=r"00000/entries.jsonl holds a line that is not an entry"):
        KnowledgeBase.open(base.path).entries([0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "is of version 2; this aacbench reads 1"),
        ({"complete": False}, "is not finished"),
        ({"kind": "a run"}, "was not written by aacbench kb"),
        ({"shards": [{"name": "00000"}]}, "is not whole: KeyError"),
        ({"encoder": {"expression": "clap:mini"}}, "is not whole: KeyError"),
        ({"encoder": {**ENCODER, "dim": 4}}, "which are not 7 embeddings of 4 numbers"),
    ],
)
def test_a_manifest_that_is_another_is_refused_by_name(base, change, said):
    path = base.path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BadData, match=said):
        KnowledgeBase.open(base.path)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b""])
def test_a_manifest_that_is_no_json_is_refused_by_name(base, content):
    (base.path / "manifest.json").write_bytes(content)
    with pytest.raises(BadData, match=r"manifest\.json"):
        KnowledgeBase.open(base.path)


def test_a_folder_without_a_manifest_is_no_base(tmp_path):
    with pytest.raises(BadData, match="is no knowledge base"):
        KnowledgeBase.open(tmp_path)


def test_a_base_is_not_written_over_another_nor_over_other_files(tmp_path, base):
    with pytest.raises(BadData, match="holds a knowledge base already"):
        write(base.path, ENCODER, blocks(2, 2))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(BadData, match="something else"):
        write(tmp_path / "mine", ENCODER, blocks(2, 2))
    assert (tmp_path / "mine" / "thesis.tex").is_file()


def test_one_that_was_not_finished_is_begun_anew(tmp_path, base):
    class Killed(Exception):
        pass

    def dying() -> Iterator[writing.Rows]:
        yield from blocks(10, 5)
        raise Killed

    with pytest.raises(Killed):
        write(tmp_path / "other", ENCODER, dying())
    with pytest.raises(BadData, match="is not finished"):
        KnowledgeBase.open(tmp_path / "other")
    assert write(tmp_path / "other", ENCODER, blocks(20, 5)).digest == base.digest


def test_embeddings_of_another_width_are_refused(tmp_path):
    several, audio, text = embedded(pairs(2), 0)
    with pytest.raises(ValueError, match="shape"):
        write(tmp_path / "base", {**ENCODER, "dim": 4}, [(several, audio, text)])


def test_what_entries_say_of_their_split_is_named_as_training_data_are():
    assert origin("clotho/development") == "clotho/development"
    assert origin("soundbox-events/train(seed=7)") == "soundbox-events/train"
    assert origin("folder:mine/all(split=dev)") == "folder/all"


def test_a_manifest_can_be_added_to_and_stays_readable(base):
    write_manifest(base.path, {**base.manifest, "indexes": {"hnsw": {}}})
    assert KnowledgeBase.open(base.path).manifest["indexes"] == {"hnsw": {}}
    assert planning.SHARD_PAIRS == 50_000


@pytest.mark.parametrize("together", [1, 3, 4096])
def test_recordings_are_read_the_same_in_pieces_of_any_size(base, monkeypatch, together):
    monkeypatch.setattr(entries_module, "TOGETHER", together)
    assert list(base.recordings()) == [entry.recording for entry in base.all_entries()]


def test_a_damaged_line_is_named_where_recordings_are_read(base):
    path = base.path / "shards/00001/entries.jsonl"
    path.write_bytes(path.read_bytes().replace(b"[", b"{", 1))
    with pytest.raises(BadData, match=r"00001/entries\.jsonl holds a line that is not an entry"):
        KnowledgeBase.open(base.path).rows_by_recording()
