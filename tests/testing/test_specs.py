"""Conformance checks of specs, and of a whole plugin."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from aacbench import (
    CaptionerSpec,
    DatasetSpec,
    Figure,
    MetricSpec,
    Preset,
    Source,
    catalog,
    plugins,
    testing,
)
from aacbench.errors import PluginFault, UnknownName
from aacbench.specs import KINDS
from aacbench.testing import plugins as plugin_checks

THIRD_PARTY = Path(__file__).resolve().parent.parent / "third_party"


class Options(BaseModel):
    """Options of the specs below."""

    beams: int = Field(5, ge=1)
    path: Path | None = None
    must: str = ""


class Wanting(BaseModel):
    """An option that the user must give."""

    must: str
    beams: int = Field(5, ge=1)


class Unwritable(BaseModel):
    """An option that JSON has no form for."""

    what: Any = object()


GOOD = CaptionerSpec(
    name="good",
    summary="a good one",
    options=Options,
    presets={
        "mini": Preset("small", {"beams": 2}, ("good:w.bin",), sources={"a": Source()}),
        "paper": Preset("large", default_source="b", sources={"b": Source(weights=("asset:b",))}),
    },
    default_preset="mini",
    weight_options=("path",),
)
DATA = DatasetSpec(name="data", summary="some", splits=("train", "test"), default_split="test")
METRIC = MetricSpec(name="metric", summary="one", figures=(Figure("one:mine"),))


def preset(**fields: Any) -> CaptionerSpec:
    return replace(GOOD, presets={"mini": Preset(**fields)})


def figure(*ids: str, **fields: Any) -> MetricSpec:
    return replace(METRIC, figures=tuple(Figure(one, **fields) for one in ids))


BROKEN: dict[str, tuple[Any, str]] = {
    "not a spec": ("good", "it is a str, not a Spec"),
    "name with a colon": (replace(GOOD, name="good:one"), "its name 'good:one' cannot be written"),
    "name with a slash": (replace(GOOD, name="me/good"), "its name 'me/good' cannot be written"),
    "name of a file": (replace(GOOD, name="good one"), "its name 'good one' cannot be written"),
    "no summary": (replace(GOOD, summary=" "), "its summary is ' '"),
    "version is a number": (replace(GOOD, version=2), "its version is 2"),
    "requirement as text": (replace(GOOD, requires=("torch",)), "it requires 'torch'"),
    "options made": (replace(GOOD, options=Options()), "its options is Options"),
    "options no model": (replace(GOOD, options=dict), "its options is <class 'dict'>"),
    "default preset": (replace(GOOD, default_preset="big"), "its default_preset 'big'"),
    "preset's name": (replace(GOOD, presets={"a b": Preset()}), "its preset 'a b'"),
    "preset's option": (preset(options={"beems": 2}), "sets the option 'beems', which does not"),
    "preset's value": (preset(options={"beams": 0}), "its options are refused (beams: "),
    "preset's source": (preset(default_source="z"), "its default_source 'z'"),
    "preset's weights": (preset(weights=("w.bin",)), "its weights name 'w.bin'"),
    "source's value": (
        preset(sources={"a": Source(options={"beams": -1})}),
        "preset 'mini', source 'a': its options are refused (beams: ",
    ),
    "source's training data": (
        preset(sources={"a": Source(trained_on=("clotho",))}),
        "its trained_on is ('clotho',)",
    ),
    "required option, bad other": (
        replace(preset(options={"beams": 0}), options=Wanting, weight_options=()),
        "its options are refused (beams: ",
    ),
    "options that cannot be written": (
        replace(GOOD, options=Unwritable, presets={"mini": Preset()}, weight_options=()),
        "writing its options as JSON",
    ),
    "parts": (replace(GOOD, parts={"ears": "encoders"}), "names the option 'ears'"),
    "kind of parts": (replace(GOOD, parts={"path": "encoder"}), "one of the 'encoder'"),
    "weight option": (replace(GOOD, weight_options=("weights",)), "names the option 'weights'"),
    "splits as text": (replace(DATA, splits="test"), "its splits are 'test'"),
    "default split": (replace(DATA, default_split="dev"), "its default_split 'dev'"),
    "train split": (replace(DATA, train_split="dev"), "its train_split 'dev'"),
    "no figures": (figure(), "its figures are []"),
    "figure twice": (figure("a:b", "a:b"), "its figures are ['a:b', 'a:b']"),
    "figure's id": (figure("My Figure"), "the id 'My Figure'"),
    "field's figure": (figure("cider_d"), "'cider_d' is the field's name"),
    "figure's range": (figure("a:b", low=1.0), "goes from 1.0 to 1.0"),
    "need": (replace(METRIC, needs=("sound",)), "it needs 'sound'"),
}


@pytest.mark.parametrize("spec", [GOOD, DATA, METRIC], ids=lambda spec: spec.name)
def test_sound_spec_passes(spec: Any) -> None:
    testing.check_spec(spec)


def test_field_name_passes_with_the_tool_that_it_equals() -> None:
    testing.check_spec(replace(figure("cider_d"), reference="aac-metrics"))


def test_options_that_the_user_must_give_pass() -> None:
    spec = replace(preset(options={"beams": 2}), options=Wanting, weight_options=())
    testing.check_spec(spec)


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_spec_is_named(fault: str, fault_of: Any) -> None:
    spec, said = BROKEN[fault]
    found = fault_of(testing.check_spec, spec)
    assert said in found.message
    assert f"the spec of '{getattr(spec, 'name', spec)}'" in found.message


def test_spec_of_another_kind_is_named(fault_of: Any) -> None:
    found = fault_of(testing.check_spec, GOOD, "metrics")
    assert "it is a CaptionerSpec, not a MetricSpec" in found.message


def test_every_installed_spec_passes() -> None:
    for kind in KINDS:
        for part in plugins.registry().all(kind):
            testing.check_spec(part.spec, kind)


# --- whole plugins --------------------------------------------------------------------------------

MODULE = """
from aacbench import Caption, CaptionerSpec, Requirement, hookimpl
from pydantic import BaseModel

class Wanting(BaseModel):
    must: str

class Numbered:
    def caption(self, clips):
        return [Caption(str(number)) for number, _ in enumerate(clips)]

def fail(choice, context):
    raise OSError("disk full")

SPECS = {
    "plug_numbered": (CaptionerSpec(name="numbered", summary="x"), lambda c, _: Numbered()),
    "plug_fails": (CaptionerSpec(name="fails", summary="x"), fail),
    "plug_nosummary": (CaptionerSpec(name="nosummary", summary=""), fail),
    "plug_wants": (CaptionerSpec(name="wants", summary="x", options=Wanting), fail),
    "plug_needs": (
        CaptionerSpec(name="needs", summary="x", requires=(Requirement("no_such", "pip it"),)),
        fail,
    ),
    "plug_learns": (
        CaptionerSpec(name="learns", summary="x", source_is_dataset=True),
        lambda choice, _: 1 / 0 if choice.source is None else Numbered(),
    ),
}

@hookimpl
def register_captioners(register):
    if __name__ in SPECS:
        register(*SPECS[__name__])
"""
PLUGINS = ("numbered", "fails", "nosummary", "wants", "needs", "learns", "empty", "broken")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[plugins.Registry]:
    """The plugin of tests/third_party and several broken ones, beside what is installed."""
    for name in PLUGINS:
        text = "raise ValueError('torn')" if name == "broken" else MODULE
        (tmp_path / f"plug_{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(THIRD_PARTY)
    entries = [EntryPoint(name, f"plug_{name}", "aacbench") for name in PLUGINS]
    entries.append(EntryPoint("thirdparty", "aacbench_thirdparty", "aacbench"))
    loaded = plugins.load([*entry_points(group="aacbench", name="builtin"), *entries])
    monkeypatch.setattr(catalog, "registry", lambda: loaded)
    monkeypatch.setattr(plugin_checks, "registry", lambda: loaded)
    yield loaded
    for name in [name for name in sys.modules if name.startswith(("plug_", "aacbench_third"))]:
        del sys.modules[name]


@pytest.mark.usefixtures("installed")
def test_sound_plugin_passes_with_every_part_checked() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        testing.check_plugin("thirdparty")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("numbered", "captioner 'numbered': captioned alone, the clip tone gets '0'"),
        ("fails", "captioner 'fails' of plugin 'fails' could not be built: OSError: disk full"),
        ("nosummary", "the spec of 'nosummary': its summary is ''"),
        ("learns", "captioner 'learns': captioned alone"),
        ("empty", "plugin 'empty': it registers nothing"),
        ("broken", "plugin 'broken': importing plug_broken failed: ValueError: torn"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_broken_plugin_is_named(name: str, said: str, fault_of: Any) -> None:
    assert said in fault_of(testing.check_plugin, name).message


@pytest.mark.parametrize("name", ["wants", "needs"])
@pytest.mark.usefixtures("installed")
def test_part_that_cannot_be_built_here_is_a_warning(name: str) -> None:
    with pytest.warns(testing.NotChecked, match=f"captioner '{name}' was not checked"):
        testing.check_plugin(name)


@pytest.mark.usefixtures("installed")
def test_plugin_that_is_not_installed_is_an_error() -> None:
    with pytest.raises(UnknownName, match="No plugin 'thirdpart' is installed") as caught:
        testing.check_plugin("thirdpart")
    assert "thirdparty" in caught.value.hint
    assert not isinstance(caught.value, PluginFault)
