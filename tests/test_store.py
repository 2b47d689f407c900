"""A run's folder: what is on disk survives a kill, and what is wrong with it is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aacbench.errors import BadData, Busy
from aacbench.store import (
    CAPTIONS,
    MANIFEST,
    RESULT,
    SCHEMA,
    Record,
    RunFolder,
    read_record,
    write_record,
)
from aacbench.types import Caption

AWKWARD = [
    "two\nlines",
    "a carriage\rreturn",
    "line\u2028and paragraph\u2029separators",
    "next\x85line",
    "lone \ud800 surrogate",
    'quotes " and \\ backslashes',
    "",
    "naïve café 雨",
]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "run").mkdir()
    return RunFolder(tmp_path / "run")


def add(folder: RunFolder, *records: Record) -> None:
    with folder.appending() as out:
        for record in records:
            out.add(record, 0)


def test_awkward_captions_stay_one_line_each_and_come_back(folder: RunFolder):
    add(folder, *(Record(f"{n}\n.wav", Caption(text)) for n, text in enumerate(AWKWARD)))
    raw = (folder.path / CAPTIONS).read_bytes()
    assert raw.isascii()
    assert len(raw.splitlines()) == len(AWKWARD)
    texts = [r.caption.text for r in folder.records().values() if r.caption]
    assert texts == AWKWARD


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    text=st.text(st.characters(exclude_categories=())),
    tokens=st.lists(st.integers(0, 2**31), max_size=4),
    score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_record_is_read_back_as_written(text: str, tokens: list[int], score: float | None):
    other = Caption("other", (1,), -2.0)
    record = Record("a.wav", Caption(text, tuple(tokens), score, (other,)), None, {"caption": 0.5})
    line = json.dumps(write_record(record, 7), ensure_ascii=True)
    assert read_record(json.loads(line)) == record


def test_a_torn_last_line_is_dropped_and_the_next_one_starts_afresh(folder: RunFolder):
    add(folder, Record("a", Caption("rain")), Record("b", Caption("wind")))
    path = folder.path / CAPTIONS
    whole = path.read_bytes()
    for cut in range(1, len(whole.splitlines()[1]) + 1):
        path.write_bytes(whole[:-cut])
        assert list(folder.records()) == ["a"]
        add(folder, Record("c", Caption("hail")))
        assert list(folder.records()) == ["a", "c"]
        assert path.read_bytes().startswith(whole.splitlines(keepends=True)[0])


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": "b", "te',
        b"\x00\x00\x00",
        b"[1]",
        b'"b"',
        b"5",
        b'{"id": "b"}',
        b'{"text": "x"}',
        b'{"id": "b", "text": 5}',
        b'{"id": "b", "text": "x", "tokens": 3}',
        b"\xff\xfe",
    ],
)
def test_a_bad_line_in_the_middle_is_named_by_file_and_number(folder: RunFolder, line: bytes):
    add(folder, Record("a", Caption("rain")), Record("c", Caption("hail")))
    path = folder.path / CAPTIONS
    first, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + line + b"\n" + last)
    with pytest.raises(BadData) as caught:
        folder.records()
    assert f"{path}, line 2" in caught.value.message
    assert caught.value.hint


def test_a_clip_tried_again_counts_by_its_last_line(folder: RunFolder):
    add(folder, Record("a", None, "too loud"), Record("b", Caption("wind")))
    add(folder, Record("a", Caption("rain")))
    found = folder.records()
    assert found["a"].caption == Caption("rain")
    assert found["a"].error is None


HOLD = """
import sys
from pathlib import Path
from aacbench.store import RunFolder
with RunFolder(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_process_is_refused_and_a_killed_one_lets_go(folder: RunFolder):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Busy) as caught, folder.locked():
            pass
        assert str(folder.path) in caught.value.message
    finally:
        other.kill()
        other.communicate()
    with folder.locked():
        add(folder, Record("a", Caption("rain")))


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(BadData, match="cannot be written"),
        RunFolder(tmp_path / "file" / "run").locked(),
    ):
        pass


def test_a_manifest_is_replaced_whole_or_not_at_all(folder: RunFolder, monkeypatch):
    folder.write_json(MANIFEST, {"schema": SCHEMA, "seed": 1})

    def stop(source: object, target: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        folder.write_json(MANIFEST, {"schema": SCHEMA, "seed": 2})
    monkeypatch.undo()
    assert folder.manifest()["seed"] == 1
    folder.write_json(MANIFEST, {"schema": SCHEMA, "seed": 2})
    assert folder.manifest()["seed"] == 2
    assert [path.name for path in folder.path.iterdir()] == [MANIFEST]


def test_what_a_newer_aacbench_wrote_is_left_to_it(folder: RunFolder):
    folder.write_json(MANIFEST, {"schema": SCHEMA + 1})
    with pytest.raises(BadData, match="newer aacbench") as caught:
        folder.manifest()
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"name": "a web page"}', '{"schema": "x"}'])
def test_somebody_elses_manifest_is_not_taken_for_a_runs(folder: RunFolder, text: str):
    (folder.path / MANIFEST).write_text(text)
    with pytest.raises(BadData) as caught:
        folder.manifest()
    assert MANIFEST in caught.value.message


def test_a_folder_without_a_result_says_how_to_get_one(folder: RunFolder):
    assert not folder.has_result()
    with pytest.raises(BadData, match=RESULT) as caught:
        folder.result()
    assert "aacbench score" in caught.value.hint
