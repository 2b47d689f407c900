"""Files of sentences as people write them, with the mistakes that they make."""

from __future__ import annotations

from pathlib import Path

import pytest

from aacbench.builtin.classifiers.sentences import default_files, read_sentences
from aacbench.errors import BadData, MissingAsset


def written(folder: Path, positives: bytes, negatives: bytes) -> tuple[Path, Path]:
    paths = folder / "yes.txt", folder / "no.txt"
    for path, content in zip(paths, (positives, negatives), strict=True):
        path.write_bytes(content)
    return paths


def test_sentence_in_both_files_teaches_neither_and_is_counted(tmp_path: Path) -> None:
    paths = written(tmp_path, b"Rain falls.\nA dog barks.\n", b"rain falls\nA red coat.\n")
    found = read_sentences(*paths)
    assert found.texts == ("A dog barks.", "A red coat.")
    assert found.dropped["in both files"] == 1


def test_lines_are_those_of_the_file_though_some_are_empty(tmp_path: Path) -> None:
    paths = written(tmp_path, b"\xef\xbb\xbfRain falls.\r\n\r\n ... \r\nA dog barks.", b"A coat.\n")
    found = read_sentences(*paths)
    assert found.lines.tolist() == [1, 4, 1]
    assert found.texts[0] == "Rain falls."
    assert found.positive.tolist() == [True, True, False]


def test_repeated_sentence_is_kept_once(tmp_path: Path) -> None:
    found = read_sentences(*written(tmp_path, b"Rain falls.\nRAIN FALLS\n", b"A coat.\n"))
    assert found.texts == ("Rain falls.", "A coat.")
    assert found.dropped["repeated"] == 1


@pytest.mark.parametrize(
    ("positives", "negatives", "told"),
    [
        (b"", b"A coat.\n", "holds no sentence"),
        (b"\n \n...\n", b"A coat.\n", "holds no sentence"),
        (b"Caf\xe9 noises\n", b"A coat.\n", "not UTF-8: byte 3"),
        (b"Rain falls.\n", b"rain falls\n", "Nothing is left"),
    ],
)
def test_bad_file_is_named_and_told_apart(
    tmp_path: Path, positives: bytes, negatives: bytes, told: str
) -> None:
    paths = written(tmp_path, positives, negatives)
    with pytest.raises(BadData, match=told) as caught:
        read_sentences(*paths)
    assert "yes.txt" in caught.value.message


def test_missing_file_says_how_the_command_goes(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"none\.txt is not there") as caught:
        read_sentences(tmp_path / "none.txt", tmp_path / "no.txt")
    assert "aacbench train classifier" in caught.value.hint


def test_folder_in_place_of_a_file_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="cannot be read"):
        read_sentences(tmp_path, tmp_path)


def test_without_the_lists_the_error_says_where_they_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AACBENCH_DATA", str(tmp_path))
    with pytest.raises(MissingAsset, match=r"audible\.txt") as caught:
        default_files()
    assert str(tmp_path / "audibility") in caught.value.hint
