"""Anybody's folder and anybody's table: read right, or refused at the line that is wrong."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aacbench import audio, tables
from aacbench.builtin.datasets import folder
from aacbench.errors import BadData, BadOption, MissingAsset
from aacbench.specs import Choice


def made(path: Path, captions: Path | None = None, split: str | None = None) -> folder.Folder:
    options = folder.Options(path=path, captions=captions, split=split)
    return folder.create(Choice("datasets", folder.SPEC, "folder", options), None)


@pytest.fixture
def sounds(tmp_path, aacbench_shared) -> Path:
    """Two Clotho sounds at the top and one in a sub-folder."""
    source = aacbench_shared / "data/audio/clotho_evaluation"
    path = tmp_path / "sounds"
    (path / "deep/er").mkdir(parents=True)
    (path / "Santa Motor.wav").symlink_to(source / "Santa Motor.wav")
    (path / "Blade Big.wav").symlink_to(source / "Blade Big.wav")
    (path / "deep/er/Radio Garble.wav").symlink_to(source / "Radio Garble.wav")
    return path


def ids(data: folder.Folder) -> list[str]:
    return [clip.id for clip in data.clips("all")]


# --- the data set -----------------------------------------------------------------------------


def test_a_folder_of_pictures_alone_is_its_pictures(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a.JPG", "deep/b.png", "notes.txt", "._a.jpg"):
        (tmp_path / name).write_bytes(b"x")
    pictures = {clip.id: (clip.audio, clip.image) for clip in made(tmp_path).clips("all")}
    assert pictures == {
        "a.JPG": (None, tmp_path / "a.JPG"),
        "deep/b.png": (None, tmp_path / "deep/b.png"),
    }
    (tmp_path / "captions.csv").write_text("file_name,caption\nb.png,A bee .\nnone.png,Air .\n")
    data = made(tmp_path)
    assert [(clip.id, clip.image) for clip in data.clips("all")] == [
        ("b.png", tmp_path / "deep/b.png")
    ]
    assert data.annotations("all")["none.png"].references == ("Air .",)


def test_a_sound_has_the_picture_that_is_called_like_it(sounds):
    (sounds / "Santa Motor.png").write_bytes(b"x")
    (sounds / "cover.jpg").write_bytes(b"x")
    images = {clip.id: clip.image for clip in made(sounds).clips("all")}
    assert images == {
        "Blade Big.wav": None,
        "Santa Motor.wav": sounds / "Santa Motor.png",
        "deep/er/Radio Garble.wav": None,
    }


def test_a_folder_without_captions_is_every_sound_in_it(sounds):
    (sounds / "._Santa Motor.wav").write_bytes(b"what a Mac leaves")
    (sounds / "notes.txt").write_text("no sound")
    data = made(sounds)
    assert ids(data) == ["Blade Big.wav", "Santa Motor.wav", "deep/er/Radio Garble.wav"]
    assert {truth.references for truth in data.annotations("all").values()} == {()}
    assert all(len(audio.waveform(clip, 8_000)) for clip in data.clips("all"))


def test_the_official_clotho_table_describes_a_folder_as_it_stands(sounds, aacbench_shared):
    table = aacbench_shared / "data/captions/clotho/clotho_captions_evaluation.csv"
    (sounds / table.name).symlink_to(table)
    data = made(sounds)
    assert len(data.annotations("all")) == 1045
    assert {len(truth.references) for truth in data.annotations("all").values()} == {5}
    assert ids(data) == ["Santa Motor.wav", "Radio Garble.wav", "Blade Big.wav"]


def test_repeated_rows_are_references_of_one_clip_in_the_tables_order(sounds):
    (sounds / "captions.csv").write_text(
        "file_name,caption\nSanta Motor.wav,a motor\nBlade Big.wav,a blade\n"
        'Santa Motor.wav,"a motor whirs, then stops"\n'
    )
    annotations = made(sounds).annotations("all")
    assert list(annotations) == ["Santa Motor.wav", "Blade Big.wav"]
    assert annotations["Santa Motor.wav"].references == ("a motor", "a motor whirs, then stops")


def test_jsonl_with_lists_splits_and_sources(sounds):
    rows = [
        {"file_name": "Santa Motor.wav", "captions": ["a", "b"], "split": "train"},
        {"file_name": "Blade Big.wav", "captions": ["c"], "split": "test", "source_id": "x:1"},
    ]
    (sounds / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert ids(made(sounds)) == ["Santa Motor.wav", "Blade Big.wav"]
    assert ids(made(sounds, split="train")) == ["Santa Motor.wav"]
    test = made(sounds, split="test")
    assert [clip.source_id for clip in test.clips("all")] == ["x:1"]
    assert {truth.source_id for truth in test.annotations("all").values()} == {"x:1"}
    with pytest.raises(BadOption, match="'tset'") as caught:
        made(sounds, split="tset")
    assert "test" in caught.value.hint
    with pytest.raises(BadOption, match="'test'") as told:
        made(sounds).clips("test")
    assert "split=test" in told.value.hint


def test_names_are_found_in_sub_folders_with_backslashes_and_without_suffix(sounds):
    (sounds / "captions.csv").write_text(
        "id,caption\nRadio Garble.wav,a\ndeep\\er\\Radio Garble.wav,b\n./Blade Big,c\ngone.wav,d\n"
    )
    data = made(sounds)
    assert ids(data) == ["Radio Garble.wav", "deep/er/Radio Garble.wav", "Blade Big"]
    assert list(data.annotations("all")) == [*ids(data), "gone.wav"]


def test_a_name_that_two_sub_folders_hold_is_refused(sounds):
    (sounds / "other").mkdir()
    (sounds / "other/Radio Garble.wav").write_bytes(b"")
    (sounds / "captions.csv").write_text("id,caption\nRadio Garble.wav,a\n")
    with pytest.raises(BadData, match="could be"):
        made(sounds).clips("all")


def test_a_table_cannot_reach_out_of_the_folder(sounds):
    (sounds.parent / "secret.wav").write_bytes(b"")
    (sounds / "captions.csv").write_text(
        f"id,caption\n../secret.wav,a\n{sounds.parent}/secret.wav,b\n"
    )
    assert ids(made(sounds)) == []


def test_accents_match_however_the_file_system_spells_them(sounds):
    name = "café.wav"
    (sounds / unicodedata.normalize("NFD", name)).symlink_to(sounds / "Blade Big.wav")
    (sounds / "captions.csv").write_text(f"id,caption\n{name},a\n", encoding="utf-8")
    assert ids(made(sounds)) == [name]


def test_a_linked_folder_that_leads_back_is_walked_once(sounds):
    (sounds / "deep/back").symlink_to(sounds)
    assert len(ids(made(sounds))) == 3


def test_the_table_may_lie_elsewhere_or_be_chosen_among_several(sounds, tmp_path):
    (tmp_path / "elsewhere.csv").write_text("id,caption\nBlade Big.wav,a\n")
    assert ids(made(sounds, tmp_path / "elsewhere.csv")) == ["Blade Big.wav"]
    (sounds / "a.csv").write_text("id,caption\nSanta Motor.wav,a\n")
    (sounds / "b.csv").write_text("id,caption\nBlade Big.wav,a\n")
    with pytest.raises(BadOption, match=r"a\.csv, b\.csv could all"):
        made(sounds)
    assert ids(made(sounds, Path("b.csv"))) == ["Blade Big.wav"]
    (sounds / "Captions.tsv").write_text("id\tcaption\nSanta Motor.wav\ta, b\n")
    assert ids(made(sounds)) == ["Santa Motor.wav"]


def test_a_clip_in_two_splits_is_refused(sounds):
    (sounds / "captions.csv").write_text("id,caption,split\nx.wav,a,train\nx.wav,b,test\n")
    with pytest.raises(BadData, match=r"captions\.csv, line 3"):
        made(sounds)


def test_a_missing_folder_or_table_or_option_is_named(tmp_path):
    with pytest.raises(MissingAsset, match="nowhere"):
        made(tmp_path / "nowhere")
    with pytest.raises(BadData, match=r"none\.csv: cannot be opened"):
        made(tmp_path, Path("none.csv"))
    for options in (None, folder.Options()):
        with pytest.raises(BadOption, match="which"):
            folder.create(Choice("datasets", folder.SPEC, "folder", options), None)


# --- tables of captions -----------------------------------------------------------------------


def table(tmp_path: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path: Path, line: int | None, *words: str) -> None:
    with pytest.raises(BadData) as caught:
        tables.read_captions(path)
    where = f"{path}, line {line}:" if line else f"{path}:"
    assert caught.value.message.startswith(where)
    for word in words:
        assert word in str(caught.value)


def test_every_published_table_of_predictions_is_read(aacbench_shared):
    paths = sorted((aacbench_shared / "data/outputs").glob("*/predictions.csv"))
    assert len(paths) == 6
    for path in paths:
        captions = tables.read_captions(path)
        assert len(captions) == 1045
        assert {len(found) for found in captions.values()} == {1}


def test_a_byte_order_mark_quoted_line_breaks_and_blank_lines(tmp_path):
    path = table(
        tmp_path,
        '\ufeffFile_Name , Caption\r\n\r\na.wav,"rain,\nthen ""thunder"""\r\n , \r\nb.wav,wind\r\n',
    )
    assert tables.read_captions(path) == {"a.wav": ['rain,\nthen "thunder"'], "b.wav": ["wind"]}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("id;prediction\na;b, c\n", "t.csv"),
        ("id\tprediction\na\tb, c\n", "t.tsv"),
        ('{"id": "a", "prediction": "b, c"}', "t.jsonl"),
        ('{"id": "a", "text": "b, c", "tokens": [1]}\n', "t.jsonl"),
        ('fname,caption\ra,"b, c"\r', "t.csv"),
        ('id,caption,prediction\na,the truth,"b, c"\n', "t.csv"),
    ],
)
def test_the_shapes_that_people_save_predictions_in(tmp_path, content, name):
    assert tables.read_captions(table(tmp_path, content, name)) == {"a": ["b, c"]}


def test_numbered_captions_come_in_the_order_of_their_numbers(tmp_path):
    path = table(tmp_path, "id,caption_10,caption_2,caption_1\na,z,,x\nb,,,\n")
    assert tables.read_captions(path) == {"a": ["x", "z"], "b": []}


def test_a_line_separator_inside_a_json_caption_does_not_cut_it(tmp_path):
    path = table(tmp_path, '{"id": 7, "caption": "rain\u2028wind"}\n', "t.jsonl")
    assert tables.read_captions(path) == {"7": ["rain\u2028wind"]}


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("", None, ["is empty"]),
        ("id,caption\na,rain, thunder\n", 2, ["3 cells", "double quotes"]),
        ('id,caption\na,"x\ny"\nb\n', 4, ["1 cells"]),
        ("a.wav,rain falls\nb.wav,wind\n", 2, ["names the clip", "header"]),
        ("id,score\na,1\n", 2, ["no column of captions", "id, score"]),
        ("id,caption,caption\na,x,y\n", 1, ["twice"]),
        ("id,caption\na,x\nb,y\na,z\n", 4, ["'a'", "second time"]),
        ("id,caption\n,x\n", 2, ["clip's name"]),
        ('id,caption\na,"never closed\nb,y\n', 2, ["closed"]),
        (b"id,caption\na,x\nb,caf\xe9\n", 3, ["0xe9", "iconv"]),
        ("id,caption\na,x\n".encode("utf-16"), 1, ["UTF-8"]),
    ],
)
def test_a_bad_csv_is_refused_at_its_line(tmp_path, content, line, words):
    refused(table(tmp_path, content), line, *words)


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ('{"id": "a", "caption": "x"}\n{"id": "b"\n', 2, ["is not JSON"]),
        ('\n["a", "x"]\n', 2, ["not an object"]),
        ('{"id": "a", "caption": 5}\n', 1, ["5, which is no caption"]),
        ('{"id": ["a"], "caption": "x"}\n', 1, ["clip's name"]),
        ('{"id": "a", "captions": ["x", ["y"]]}\n', 1, ["which is no caption"]),
    ],
)
def test_a_bad_jsonl_is_refused_at_its_line(tmp_path, content, line, words):
    refused(table(tmp_path, content, "t.jsonl"), line, *words)


def test_a_missing_table_and_a_folder_are_named(tmp_path):
    refused(tmp_path / "none.csv", None, "No such file")
    refused(tmp_path, None, "cannot be opened")


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(st.dictionaries(texts, texts, min_size=1, max_size=6))
def test_whatever_is_written_in_csv_or_jsonl_comes_back(tmp_path_factory, captions):
    expected = {name: [text] for name, text in captions.items()}
    base = tmp_path_factory.getbasetemp()
    with (base / "r.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([["id", "caption"], *captions.items()])
    assert tables.read_captions(base / "r.csv") == expected
    lines = [json.dumps({"id": name, "caption": text}) for name, text in captions.items()]
    (base / "r.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert tables.read_captions(base / "r.jsonl") == expected
