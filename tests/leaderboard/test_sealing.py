"""A row that was tampered with is refused, by file, clip and figure, whoever sealed it again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import numpy as np
import pytest
from small_board import Board, edit_json

from aacbench import catalog, metric_sets
from aacbench.leaderboard.adding import add_run
from aacbench.leaderboard.reproducing import NOT_MEANS, against_lines, is_light, score_again
from aacbench.leaderboard.results import PerClip
from aacbench.leaderboard.truths import Truths
from aacbench.leaderboard.verifying import verify, verify_all
from aacbench.plugins import registry
from aacbench.types import Annotation, Caption, Event

AWAY = "random@soundbox-events"


@pytest.fixture
def sealed(board: Board) -> Board:
    add_run(board.runs[AWAY], board.folder)
    return board


def problems(board: Board) -> str:
    (verified,) = verify_all(board.folder)
    return "\n".join(verified.problems)


def estimate(board: Board, figure: str) -> float:
    return float(board.row().result["figures"][figure]["estimate"])


FORGERIES: dict[str, tuple[Callable[[Board], None], str]] = {}


def forgery(told: str) -> Callable[[Callable[[Board], None]], Callable[[Board], None]]:
    def keep(forge: Callable[[Board], None]) -> Callable[[Board], None]:
        FORGERIES[forge.__name__] = forge, told
        return forge

    return keep


@forgery("result.json: cider_d is 0.900000; its captions give")
def a_better_score(board: Board) -> None:
    edit_json(board.row().path / "result.json", "figures", "cider_d", "estimate", value=0.9)


@forgery("result.json: bleu_1 has an interval from 0.400000; its captions give")
def a_narrower_interval(board: Board) -> None:
    edit_json(board.row().path / "result.json", "figures", "bleu_1", "low", value=0.4)


@forgery("result.json: aud:mini is 0.250000; the clips in scores.jsonl give")
def a_heavy_metric_whose_lines_say_otherwise(board: Board) -> None:
    edit_json(board.row().path / "result.json", "figures", "aud:mini", "estimate", value=0.25)


@forgery("scores.jsonl: clip test-00.wav: bleu_1 is 0.987000; its caption scores")
def a_better_line(board: Board) -> None:
    path = board.row().path / "scores.jsonl"
    header, first, *rest = path.read_text().splitlines(keepends=True)
    row = json.loads(first)
    row[1 + json.loads(header)["figures"].index("bleu_1")] = 0.987
    path.write_text(header + json.dumps(row) + "\n" + "".join(rest))


@forgery("scores.jsonl: clip test-03.wav: bleu_1 is")
def another_caption(board: Board) -> None:
    path = board.row().path / "captions.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    next(line for line in lines if line["id"] == "test-03.wav")["text"] = "a dog barks outside"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@forgery("captions.jsonl: no caption of clip test-11.wav")
def a_caption_less(board: Board) -> None:
    path = board.row().path / "captions.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "test-11.wav" not in line))


@forgery("captions.jsonl: clip test-99.wav, which small-tones@test does not have")
def a_caption_more(board: Board) -> None:
    path = board.row().path / "captions.jsonl"
    path.write_text(path.read_text() + '{"id": "test-99.wav", "text": "a dog"}\n')


@forgery("scores.jsonl: no line of clip test-07.wav")
def a_line_less(board: Board) -> None:
    path = board.row().path / "scores.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "test-07.wav" not in line))


@forgery("result.json: bleu_1, bleu_2, bleu_3, bleu_4: of version 0 of builtin/bleu")
def another_metric_version(board: Board) -> None:
    for order in range(1, 5):
        path = board.row().path / "result.json"
        edit_json(path, "figures", f"bleu_{order}", "version", value="0")


@forgery("result.json: scored against other references (sha256 123456789abc) than")
def other_references(board: Board) -> None:
    edit_json(board.row().path / "result.json", "references", value="123456789abcdef")


@forgery("manifest.json: its caption domain is 'in', and 'out' by what it learnt from")
def another_domain(board: Board) -> None:
    domain = {"caption": "in", "strict": "in", "reason": "says who"}
    for name in ("manifest.json", "result.json"):
        edit_json(board.row().path / name, "domain", value=domain)


@forgery("manifest.json: trained_on.captions is nothing; random@soundbox-events says")
def nothing_learnt(board: Board) -> None:
    edit_json(board.row().path / "manifest.json", "trained_on", "captions", value=[])


@forgery("by its files its place is results/small-tones@test/nac-mini/")
def another_name(board: Board) -> None:
    edit_json(board.row().path / "result.json", "captioner", value="nac:mini")


@forgery("is not that of its settings")
def another_seed(board: Board) -> None:
    edit_json(board.row().path / "manifest.json", "decides", "seed", value=7)


@forgery("result.json: no bleu_4, which its captions score")
def a_poor_figure_left_out(board: Board) -> None:
    row = board.row()
    content = json.loads((row.path / "result.json").read_text())
    del content["figures"]["bleu_4"]
    (row.path / "result.json").write_text(json.dumps(content, indent=2) + "\n")


@pytest.mark.parametrize("name", FORGERIES)
def test_what_was_edited_is_named_though_the_seal_was_written_anew(sealed: Board, name: str):
    forge, told = FORGERIES[name]
    forge(sealed)
    sealed.reseal()
    found = problems(sealed)
    assert told in found
    assert "changed since it was sealed" not in found


@pytest.mark.parametrize("name", ["result.json", "manifest.json", "captions.jsonl", "scores.jsonl"])
def test_any_byte_of_any_file_breaks_the_seal(sealed: Board, name: str):
    path = sealed.row().path / name
    path.write_bytes(path.read_bytes() + b"\n")
    assert f"{name}: changed since it was sealed" in problems(sealed)


def test_files_that_are_missing_or_too_many_are_named(sealed: Board):
    row = sealed.row().path
    (row / "notes.txt").write_text("hello")
    (row / "profile.json").write_text("{}")
    (row / "scores.jsonl").unlink()
    assert "scores.jsonl: missing" in problems(sealed)
    (row / "scores.jsonl").write_text('{"figures": []}\n')
    found = problems(sealed)
    assert "notes.txt: a file that no row of this kind holds" in found
    assert "profile.json: not sealed" in found


def test_a_row_without_its_manifest_does_not_pass_for_one_without_captions(sealed: Board):
    (sealed.row().path / "manifest.json").unlink()
    assert "manifest.json: missing, and result.json is of captions that are kept" in problems(
        sealed
    )


@pytest.mark.parametrize(
    ("part", "value"), [("figures", []), ("coverage", 3), ("figures", {"x": 1}), ("domain", None)]
)
def test_a_file_in_another_form_is_named_and_breaks_nothing(
    sealed: Board, part: str, value: object
):
    edit_json(sealed.row().path / "result.json", part, value=value)
    sealed.reseal()
    assert f"result.json: {part} " in problems(sealed)


def test_a_row_moved_to_another_board_is_refused(sealed: Board):
    row = sealed.row().path
    other = sealed.folder / "results" / "clotho@evaluation" / row.parent.name / row.name
    shutil.move(row, other)
    assert "by its files its place is results/small-tones@test/" in problems(sealed)


def test_a_judge_of_its_own_that_is_not_named_is_told(sealed: Board):
    """The run's captioner is made, in its manifest alone, one that shares the judge's model."""
    judge = catalog.choose("metrics", "aud:mini")
    edit_json(sealed.row().path / "manifest.json", "models", value=sorted(catalog.models(judge)))
    sealed.reseal()
    assert "self_scored does not name aud:mini" in problems(sealed)


def test_a_target_that_is_not_at_hand_is_a_remark_and_lines_are_checked_still(sealed: Board):
    row = sealed.row()
    there = registry().parts["datasets"].pop("small-tones")
    try:
        verified = verify(row, Truths())
        assert verified.problems == ()
        assert any("not scored again: There is no dataset" in one for one in verified.remarks)
        assert any("bleu_1" in one and "seal alone" in one for one in verified.remarks)
        edit_json(row.path / "result.json", "figures", "rouge_l", "estimate", value=0.5)
        sealed.reseal()
        found = "\n".join(verify(sealed.row(), Truths()).problems)
        assert "result.json: rouge_l is 0.500000; the clips in scores.jsonl give" in found
    finally:
        registry().parts["datasets"]["small-tones"] = there


def test_the_metrics_that_are_no_means_of_clips_are_those_that_are_listed():
    """Every light metric, on captions that differ in length, so that sums and means differ."""
    texts = ("a dog barks", "rain", "a bell rings twice while people talk in a hall", "an engine")
    annotations = {
        str(at): Annotation((f"{text} outside", text[::2]), (Event("dog", 0.0, 1.0),))
        for at, text in enumerate(texts)
    }
    captions = {str(at): (Caption(text),) for at, text in enumerate(texts)}
    names = [part.spec.name for part in registry().all("metrics")]
    light = [choice for choice in metric_sets.choose_metrics(names) if is_light(choice)]
    assert {"bleu", "cider_d", "meteor"} <= {choice.spec.name for choice in light}
    scored = score_again(captions, annotations, light, 0)
    lines = PerClip(tuple(captions), {n: np.asarray(v) for n, v in scored.per_clip.items()})
    # As another plugin's, each is held to be a mean; those that are none are found out.
    figures = {name: {**entry, "plugin": "other"} for name, entry in scored.figures.items()}
    found = "\n".join(against_lines(figures, lines, 0))
    none = {e["metric"] for n, e in scored.figures.items() if f"{n} is " in found}
    assert none <= NOT_MEANS
    assert {"bleu", "meteor", "vocabulary"} <= none


def test_metrics_with_a_model_a_parser_or_a_sound_are_not_light():
    heavy = ("aud:mini", "fense:mini", "sbert:small", "spice", "spider", "clap_s:mini", "concord")
    assert not [name for name in heavy if is_light(catalog.choose("metrics", name))]
