"""Arithmetic within a row: what cannot be is found, what rounding allows is left alone."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from printed_papers import found, read, table

from aacbench.leaderboard.audit import RULES, audit

THREE = "cider_d spice spider"
WITHIN_A_ROW = [
    "spider-is-the-mean",
    "spider-at-least-half",
    "never-greater",
    "in-range",
    "scale",
    "usual-order",
]


def test_a_spider_that_is_not_the_mean_is_found_with_its_numbers(tmp_path: Path) -> None:
    published = read(tmp_path, {"1": table(THREE, ["Ours", "0.400 0.100 0.280"])})
    (finding,) = found(published, "spider-is-the-mean")
    assert finding.severity == "contradiction"
    assert "SPIDEr 0.280" in finding.sentence
    assert "CIDEr 0.400 and SPICE 0.100 is 0.25;" in finding.sentence
    assert "0.249 to 0.251" in finding.sentence
    assert "SPIDEr 0.250, one digit different" in finding.sentence
    assert (finding.rows, finding.figures) == (("one.1.1",), ("spider", "cider_d", "spice"))


def test_exchanged_digits_are_offered_as_the_reason(tmp_path: Path) -> None:
    published = read(tmp_path, {"1": table(THREE, ["Ours", "0.430 0.130 0.820"])})
    (finding,) = found(published, "spider-is-the-mean")
    assert "SPIDEr 0.280, two digits exchanged" in finding.sentence


def test_another_scale_is_offered_as_the_reason(tmp_path: Path) -> None:
    published = read(tmp_path, {"1": table(THREE, ["Ours", "4.44 0.126 0.285"])})
    (finding,) = found(published, "spider-is-the-mean")
    assert "a 10th of the CIDEr printed, another scale" in finding.sentence


def test_a_mean_off_by_little_is_a_doubt(tmp_path: Path) -> None:
    published = read(tmp_path, {"1": table(THREE, ["Ours", "0.400 0.100 0.252"])})
    (finding,) = found(published, "spider-is-the-mean")
    assert finding.severity == "doubt"


@pytest.mark.parametrize("figures", ["0.400 0.100 0.251", "0.401 0.102 0.252", "- 0.1 0.9"])
def test_a_mean_within_rounding_is_left_alone(tmp_path: Path, figures: str) -> None:
    published = read(tmp_path, {"1": table(THREE, ["Ours", figures])})
    assert found(published, "spider-is-the-mean") == []


def test_columns_in_unlike_scales_are_compared_in_one(tmp_path: Path) -> None:
    content = table(THREE, ["Ours", "40.0 0.100 25.0"])
    for column in content["columns"][::2]:
        column["scale"] = "percent"
    assert found(read(tmp_path, {"1": content}), "spider-is-the-mean") == []


def _printed(value: Decimal, digits: int, rounding: str) -> str:
    return str(value.quantize(Decimal(1).scaleb(-digits), rounding))


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    percent=st.booleans(),
    rounding=st.sampled_from([ROUND_HALF_EVEN, ROUND_HALF_UP]),
)
def test_consistent_rows_raise_nothing_however_they_are_rounded(
    data: st.DataObject, percent: bool, rounding: str
) -> None:
    """The true figures hold; each is printed to one to four digits, in percent or fractions."""
    fraction = st.decimals(0, 1, places=6)
    cider = data.draw(st.decimals(0, 3, places=6))
    spice = data.draw(fraction)
    sbert, bleu = data.draw(fraction), sorted(data.draw(st.tuples(*[fraction] * 4)), reverse=True)
    spider = (cider + spice) / 2
    true = {
        "cider_d": cider,
        "spice": spice,
        "spider": spider,
        "spider_fl": spider * data.draw(fraction),
        "sbert": sbert,
        "fense": sbert * data.draw(fraction),
        **{f"bleu_{n}": value for n, value in enumerate(bleu, 1)},
    }
    scale = 100 if percent else 1
    digits = data.draw(st.tuples(*[st.integers(1, 4)] * len(true)))
    figures = [
        _printed(value * scale, count, rounding)
        for value, count in zip(true.values(), digits, strict=True)
    ]
    content = table(
        " ".join(true), ["Ours", " ".join(figures)], scale="percent" if percent else "fraction"
    )
    with TemporaryDirectory() as folder:
        result = audit(read(Path(folder), {"1": content}), rules=WITHIN_A_ROW)
    assert [finding.sentence for finding in result.findings] == []


def test_a_spider_below_half_of_spice_is_found(tmp_path: Path) -> None:
    published = read(tmp_path, {"1": table("spice spider", ["Ours", "7.0 3.2"], scale="percent")})
    (finding,) = found(published, "spider-at-least-half")
    assert "SPIDEr 3.2 beside SPICE 7.0, half of which is 3.5" in finding.sentence


@pytest.mark.parametrize("figures", ["7.0 3.5", "7.1 3.5", "7.0 9.0"])
def test_a_spider_of_half_of_spice_or_more_is_left_alone(tmp_path: Path, figures: str) -> None:
    published = read(tmp_path, {"1": table("spice spider", ["Ours", figures], scale="percent")})
    assert found(published, "spider-at-least-half") == []


@pytest.mark.parametrize(
    ("columns", "figures", "words"),
    [
        ("bleu_1 bleu_4", "0.20 0.30", "BLEU-4 0.30 above its BLEU-1 0.20"),
        ("spider spider_fl", "0.250 0.252", "SPIDEr-FL 0.252 above its SPIDEr 0.250"),
        ("fense sbert", "0.52 0.50", "FENSE 0.52 above its SBERT 0.50"),
        ("recall_1 recall_10", "0.5 0.3", "R@1 0.5 above its R@10 0.3"),
    ],
)
def test_a_figure_above_one_that_bounds_it_is_found(
    tmp_path: Path, columns: str, figures: str, words: str
) -> None:
    (finding,) = found(read(tmp_path, {"1": table(columns, ["Ours", figures])}), "never-greater")
    assert words in finding.sentence


def test_equal_figures_are_not_above_each_other(tmp_path: Path) -> None:
    published = read(tmp_path, {"1": table("spider spider_fl", ["Ours", "0.25 0.250"])})
    assert found(published, "never-greater") == []


def test_a_percentage_among_fractions_is_out_of_range(tmp_path: Path) -> None:
    published = read(tmp_path, {"1": table("meteor cider_d", ["Ours", "18.0 1.2"])})
    (finding,) = found(published, "in-range")
    assert "METEOR 18.0 in a column of fraction figures" in finding.sentence


def test_a_cider_above_one_is_in_range(tmp_path: Path) -> None:
    published = read(tmp_path, {"1": table("cider_d", ["Ours", "110.2"], scale="percent")})
    assert found(published, "in-range") == []


def test_an_f1_that_is_not_the_harmonic_mean_is_found(tmp_path: Path) -> None:
    content = {"1": table("precision recall f1", ["A", "0.50 0.30 0.40"], ["B", "0.50 0.30 0.37"])}
    (finding,) = found(read(tmp_path, content), "f1-is-the-mean")
    assert "F1 0.40; precision 0.50 and recall 0.30 give 0.375" in finding.sentence


ROWS = ["0.171", "0.183", "0.178", "0.190", "0.169"]


@pytest.mark.parametrize("odd", ["0.0178", "1.80"])
def test_a_figure_of_another_scale_is_doubted(tmp_path: Path, odd: str) -> None:
    rows = [[f"S{n}", figure] for n, figure in enumerate([*ROWS, odd])]
    (finding,) = found(read(tmp_path, {"1": table("meteor", *rows)}), "scale")
    assert f"METEOR {odd}" in finding.sentence
    assert "another scale" in finding.sentence


def test_weak_systems_are_not_taken_for_another_scale(tmp_path: Path) -> None:
    rows = [
        [f"S{n}", figure] for n, figure in enumerate(["1.1", "1.2", "1.1", "1.2", "0.14", "0.15"])
    ]
    assert found(read(tmp_path, {"1": table("cider_d", *rows)}), "scale") == []


def test_a_whole_column_of_another_scale_is_doubted(tmp_path: Path) -> None:
    first = table("meteor", *[[f"A{n}", figure] for n, figure in enumerate(ROWS)])
    shifted = [[f"B{n}", f"{float(figure) * 100:.1f}"] for n, figure in enumerate(ROWS)]
    tables = {"1": first, "2": table("meteor", *shifted)}
    (first_found, *_) = found(read(tmp_path, tables), "scale")
    assert "METEOR column of table" in first_found.sentence
    assert "100" in first_found.sentence


def _orders(odd: str) -> dict[str, object]:
    rows = [[f"S{n}", f"0.{20 + n} 0.{11 + n}"] for n in range(9)]
    return {"1": table("meteor spice", *rows, ["Odd", odd])}


def test_two_figures_that_look_exchanged_are_doubted(tmp_path: Path) -> None:
    (finding,) = found(read(tmp_path, _orders("0.14 0.23")), "usual-order")
    assert "SPICE 0.23 above METEOR 0.14; in all 9 other rows on clotho" in finding.sentence


@pytest.mark.parametrize("figures", ["0.23 0.14", "0.40 0.50", "0.22 0.22"])
def test_figures_in_the_usual_order_or_unlike_all_others_are_left_alone(
    tmp_path: Path, figures: str
) -> None:
    assert found(read(tmp_path, _orders(figures)), "usual-order") == []


def test_no_rule_knows_a_system_or_a_paper_by_name() -> None:
    from aacbench.leaderboard import audit as package
    from aacbench.leaderboard.papers import read_published

    published = read_published(Path(__file__).resolve().parents[2] / "leaderboard" / "published")
    source = "\n".join(
        file.read_text().casefold() for file in Path(package.__file__).parent.glob("*.py")
    )
    systems = {row.system for one in published.tables for row in one.rows if not row.ours}
    named = {name for name in (*systems, *published.papers) if len(name) > 3}
    assert len(named) > 30
    assert {name for name in named if name.casefold() in source} == set()
    assert len(RULES) > 20
