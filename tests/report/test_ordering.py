"""Which clips come first, held against scores.jsonl itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from aacbench.errors import BadOption
from aacbench.report import content, ordering
from aacbench.report.ordering import Figure
from aacbench.report.reading import read_runs

ROUGE = "rouge_l:simple"


def scores(folder: Path) -> dict[str, dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    return {line["id"]: line for line in lines}


def names(found, at: list[int]) -> list[str]:
    return [found.ids[one] for one in at]


def test_worst_first_is_the_mean_of_the_runs_ascending(runs: Mapping[str, Path]):
    found = read_runs(list(runs.values()))
    figure = ordering.choose_figure(ordering.figures_of(found), ROUGE)
    order = ordering.order(found, figure, "worst", [[], []])
    both = [scores(folder) for folder in runs.values()]
    means = [
        np.mean([one[name][ROUGE] for one in both if name in one]) for name in names(found, order)
    ]
    assert means == sorted(means)
    assert len(set(means)) > 5
    best = ordering.order(found, figure, "best", [[], []])
    best_means = [np.mean([o[n][ROUGE] for o in both if n in o]) for n in names(found, best)]
    assert best_means == sorted(means, reverse=True)


def test_disagreement_between_runs_is_the_range_and_lone_values_come_last(
    runs: Mapping[str, Path],
):
    found = read_runs(list(runs.values()))
    figure = ordering.choose_figure(ordering.figures_of(found), ROUGE)
    order = names(found, ordering.order(found, figure, "disagreement", [[], []]))
    plain, other = (scores(folder) for folder in runs.values())
    apart = [abs(plain[n][ROUGE] - other[n][ROUGE]) for n in order if n in plain]
    assert apart == sorted(apart, reverse=True)
    assert apart[0] > apart[-1]
    assert order[-1] not in plain  # the clip on which one run failed


def test_of_a_figure_that_is_better_low_the_worst_is_the_highest(runs: Mapping[str, Path]):
    found = read_runs([runs["Other"]])
    length = Figure("caption_length:simple", False, 1)
    order = names(found, ordering.order(found, length, "worst", [[]]))
    lengths = [scores(runs["Other"])[name]["caption_length:simple"] for name in order]
    assert lengths == sorted(lengths, reverse=True)


def test_shares_are_mid_ranks_and_leave_unknown_values_alone():
    assert ordering.shares([3.0, 1.0, 1.0, math.nan]).tolist()[:3] == [1.0, 0.25, 0.25]
    assert math.isnan(ordering.shares([3.0, math.nan])[1])
    assert ordering.shares([5.0, 5.0, 5.0]).tolist() == [0.5, 0.5, 0.5]


def test_a_run_alone_is_ordered_by_how_its_figures_contradict_each_other(
    runs: Mapping[str, Path],
):
    found = read_runs([runs["Plain"]])
    figures = ordering.figures_of(found)
    spread = content.all_spreads(found, figures)
    directed = [one for one in figures if one.higher_is_better is not None]
    values = scores(runs["Plain"])
    captioned = [name for name in found.ids if name in values]
    table = []
    for one in directed:
        column = [values[name][one.id] for name in captioned]
        less = [sum(v < w for v in column) for w in column]
        same = [sum(v == w for v in column) - 1 for w in column]
        table.append([(a + b / 2) / (len(column) - 1) for a, b in zip(less, same, strict=True)])
    expected = dict(zip(captioned, np.std(np.array(table), axis=0), strict=True))
    for name, value in zip(found.ids, spread[0], strict=True):
        assert value == (pytest.approx(expected[name], abs=1e-4) if name in expected else None)
    order = names(found, ordering.order(found, directed[0], "disagreement", spread))
    known = [expected[name] for name in order if name in expected]
    assert known == sorted(known, reverse=True) or np.allclose(
        known, sorted(known)[::-1], atol=1e-4
    )


def test_sound_goes_to_each_order_in_turn_and_first_to_the_clips_asked_for():
    orders = [[0, 1, 2, 3], [3, 2, 1, 0]]
    assert ordering.heard(orders, [True] * 4, 2) == [0, 3]
    assert ordering.heard(orders, [False, True, True, False], 3) == [0, 1, 2]
    assert ordering.heard(orders, [True] * 4, None) == [0, 1, 2, 3]
    assert ordering.heard(orders, [True] * 4, 0) == []


def test_a_word_is_found_where_it_begins_a_word():
    texts = ["A train passes", "Raining hard (rain)"]
    assert ordering.says(texts, "rain")
    assert not ordering.says(texts[:1], "rain")
    assert ordering.says(texts, "RAIN train")
    assert not ordering.says(texts, "rain dog")
    assert ordering.says(texts, "")
    assert not ordering.says(texts, "[")


def test_quoted_words_are_whole_and_words_after_a_minus_are_left_out():
    assert ordering.says(["raining"], "rain")
    assert not ordering.says(["raining"], '"rain"')
    assert ordering.says(["a rain falls"], '"rain" -dog')
    assert not ordering.says(["rain", "dogs bark"], "rain -dog")


def test_a_figure_may_be_named_without_its_variant_and_others_are_refused(
    runs: Mapping[str, Path],
):
    figures = ordering.figures_of(read_runs([runs["Plain"]]))
    chosen = ordering.choose_figure(figures, "rouge_l")
    assert chosen is not None
    assert chosen.id == ROUGE
    default = ordering.choose_figure(figures, None)
    assert default is not None
    assert default.id == "cider_d:simple"
    with pytest.raises(BadOption, match="No clip has the figure 'rouge_m'"):
        ordering.choose_figure(figures, "rouge_m")


def test_figures_of_different_judges_are_known_to_be_mixed(
    runs: Mapping[str, Path], tmp_path: Path
):
    import shutil

    copy = tmp_path / "other"
    shutil.copytree(runs["Other"], copy)
    result = json.loads((copy / "result.json").read_text())
    result["figures"][ROUGE]["version"] = "0"
    (copy / "result.json").write_text(json.dumps(result))
    found = read_runs([runs["Plain"], copy])
    mixed = {figure.id: figure.mixed for figure in ordering.figures_of(found)}
    assert mixed[ROUGE]
    assert not mixed["cider_d:simple"]
    figure = ordering.choose_figure(ordering.figures_of(found), ROUGE)
    assert ordering.order(found, figure, "disagreement", [[], []]) == list(range(30))
