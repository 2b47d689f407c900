"""The little language in which captioners, targets and their options are written."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aacbench.errors import AacbenchError
from aacbench.expressions import parse, parse_term, read_value, split_outside, write

NAMES = st.from_regex(r"[A-Za-z0-9_.\-]+", fullmatch=True)
KEYS = st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_every_part_of_a_term_is_read():
    (term,) = parse("mine/nac:mini@audiocaps(beams=3, encoder=clap:small)")
    assert (term.name, term.preset, term.source) == ("mine/nac", "mini", "audiocaps")
    assert term.options == {"beams": 3, "encoder": "clap:small"}
    assert not term.is_file


def test_guides_follow_a_plus_and_a_plus_inside_brackets_is_text():
    first, second = parse("nac(captions=a+b)+audible(weight=0.5)")
    assert first.options == {"captions": "a+b"}
    assert (second.name, second.options) == ("audible", {"weight": 0.5})


def test_a_class_in_a_file_is_told_from_a_preset():
    (term,) = parse("my models/best.py:Captioner(words=5)")
    assert term.is_file
    assert (term.name, term.preset) == ("my models/best.py", "Captioner")
    assert not parse("nac.py-like:mini")[0].is_file


def test_after_hf_a_colon_names_a_model_whatever_its_path_looks_like():
    for place in ("owner/name-1.5", "/data/my models/x", "./file.py:Class", "../a@b", "name"):
        (term,) = parse(f"hf:{place}(beams=2)")
        assert (term.name, term.preset, term.source, term.is_file) == ("hf", None, None, False)
        assert term.options == {"model": place, "beams": 2}
        assert write("hf", None, None, term.options) == f"hf:{place}(beams=2)"
        assert write("mine/hf", None, None, {"model": place}) == f"mine/hf:{place}"
    first, second = parse("hf:owner/name+guide")
    assert (first.options, second.name) == ({"model": "owner/name"}, "guide")


@pytest.mark.parametrize("place", ["a+b", "a (copy)", "a, b", "it's", " a", ""])
def test_a_model_that_a_colon_cannot_name_is_an_option(place: str):
    written = write("hf", None, None, {"model": place})
    assert written.startswith("hf(model=")
    assert parse(written)[0].options == {"model": place}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3", 3),
        ("-0.5", -0.5),
        ("true", True),
        ("True", True),
        ("None", None),
        ("null", None),
        ("'a, b'", "a, b"),
        ('"a, b"', "a, b"),
        ('"say \\"hush\\", then go"', 'say "hush", then go'),
        ("[1, 2]", [1, 2]),
        ("/data/my sounds", "/data/my sounds"),
        ("/data/a (copy)", "/data/a (copy)"),
        ("clap:small(beams=2)", "clap:small(beams=2)"),
        ("x=y", "x=y"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_values_are_read_as_json_or_as_the_text_they_are(written: str, value: object):
    assert parse_term(f"part(key={written})").options == {"key": value}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nac+",
        "+nac",
        "nac(",
        "nac)",
        "nac(beams=3",
        "nac(beams=3)(keep=2)",
        "nac(beams=3)x",
        "nac(beams)",
        "nac(beams=3, beams=4)",
        "nac(name='it)",
        "nac mini",
        "nac:",
        "hf:",
        "hf:a(model=b)",
        "nac@",
        "a/b/c",
    ],
)
def test_what_is_not_in_the_grammar_is_refused_with_the_grammar(text: str):
    with pytest.raises(AacbenchError) as caught:
        parse(text)
    assert "name[:preset]" in caught.value.hint


@given(
    name=NAMES,
    preset=st.none() | NAMES,
    source=st.none() | NAMES,
    options=st.dictionaries(KEYS, VALUES, max_size=4),
)
def test_what_is_written_is_read_back_the_same(name, preset, source, options):
    (term,) = parse(write(name, preset, source, options))
    assert (term.name, term.preset, term.source) == (name, preset, source)
    assert term.options == options
    assert [type(value) for value in map(term.options.get, options)] == [
        type(value) for value in options.values()
    ]


@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_writing_is_canonical_whatever_the_order_of_options(options):
    backwards = dict(reversed(options.items()))
    assert write("nac", None, None, options) == write("nac", None, None, backwards)


@given(st.text())
def test_any_text_is_either_read_or_refused_in_words(text: str):
    # Anything but an AacbenchError fails the test.
    with suppress(AacbenchError):
        assert parse(text)


@given(st.text())
def test_any_value_is_read_without_falling_over(text: str):
    read_value(text)


def test_splitting_respects_quotes_and_brackets():
    assert split_outside('a, (b, c), \'d, e\', "f\\", g"', ",") == [
        "a",
        " (b, c)",
        " 'd, e'",
        ' "f\\", g"',
    ]
