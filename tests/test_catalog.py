"""Names to parts: presets, sources and options in layers, and what a wrong name is told."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import aacbench
from aacbench import catalog, plugins
from aacbench.errors import (
    BadOption,
    MissingAsset,
    MissingRequirement,
    PluginFault,
    UnknownName,
)
from aacbench.specs import UNKNOWN, Preset, Source, TrainedOn
from aacbench.workshop import Workshop


class EarOptions(BaseModel):
    weights: Path | None = None


class WordOptions(BaseModel):
    encoder: str = "ear"
    beams: int = 5
    keep: int = 1
    weights: Path | None = None
    prompts: Path | None = None


EAR = aacbench.EncoderSpec(
    name="ear",
    summary="an encoder",
    options=EarOptions,
    presets={
        "plain": Preset(trained_on=TrainedOn(audio=("audioset",), language_model=("books",))),
        "keen": Preset(trained_on=TrainedOn(captions=("clotho/development",))),
    },
    default_preset="plain",
    weight_options=("weights",),
)
WORDS = aacbench.CaptionerSpec(
    name="words",
    summary="a captioner",
    options=WordOptions,
    presets={
        "mini": Preset(
            options={"beams": 3, "keep": 2},
            trained_on=TrainedOn(language_model=("novels",)),
            sources={
                "one": Source(TrainedOn(captions=("audiocaps/train",)), options={"beams": 4}),
                "two": Source(TrainedOn(captions=("clotho/development",))),
            },
            default_source="one",
        ),
        "paper": Preset(weights=("aacbench:nothing/of/that/name",)),
    },
    default_preset="mini",
    parts={"encoder": "encoders"},
    weight_options=("weights",),
)
BARE = aacbench.CaptionerSpec(name="bare", summary="says nothing of what it learnt from")
NEEDY = aacbench.CaptionerSpec(
    name="needy",
    summary="needs a package",
    requires=(aacbench.Requirement("no_such_package.inner", "pip install no-such-package"),),
)


def _broken(choice: Any, context: Any) -> Any:
    raise RuntimeError("no memory left")


class Third:
    @aacbench.hookimpl
    def register_encoders(self, register: Any) -> None:
        register(EAR, lambda choice, context: object())

    @aacbench.hookimpl
    def register_captioners(self, register: Any) -> None:
        register(WORDS, _broken)
        register(BARE, lambda choice, context: object())
        register(NEEDY, lambda choice, context: object())


class Rival:
    @aacbench.hookimpl
    def register_captioners(self, register: Any) -> None:
        register(BARE, lambda choice, context: "the rival's")


class Entry:
    def __init__(self, name: str, plugin: object) -> None:
        self.name = name
        self.value = name
        self.plugin = plugin

    def load(self) -> object:
        return self.plugin


@pytest.fixture(autouse=True)
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in parts and those above, behind the same door as any plugin's."""
    _install(monkeypatch, Entry("third", Third()))


def _install(monkeypatch: pytest.MonkeyPatch, *entries: Entry) -> None:
    from aacbench import builtin

    loaded = plugins.load([Entry("builtin", builtin), *entries])
    monkeypatch.setattr(catalog, "registry", lambda: loaded)


def test_a_misspelt_name_is_told_the_nearest():
    with pytest.raises(UnknownName) as caught:
        catalog.choose("captioners", "frequnt@soundbox-events")
    assert "frequnt" in caught.value.message
    assert "frequent" in caught.value.hint


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("words:mni", "mini"),
        ("words@ome", "one"),
        ("words(beam=2)", "beams"),
        ("words(encoder=ear, wieghts=x)", "weights"),
        ("random@soundbox-event", "soundbox-events"),
    ],
)
def test_misspelt_presets_sources_and_options_are_told_the_nearest(expression: str, told: str):
    with pytest.raises((UnknownName, BadOption)) as caught:
        catalog.choose("captioners", expression)
    assert told in caught.value.hint


def test_a_bad_value_names_the_option_and_what_was_given():
    with pytest.raises(BadOption) as caught:
        catalog.choose("captioners", "words(beams=many)")
    assert "beams" in caught.value.message
    assert "many" in caught.value.hint


def test_options_lie_over_the_sources_over_the_presets_over_the_defaults():
    assert catalog.choose("captioners", "words@two").options.beams == 3
    assert catalog.choose("captioners", "words").options.beams == 4
    chosen = catalog.choose("captioners", "words(beams=7)")
    assert (chosen.options.beams, chosen.options.keep) == (7, 2)


def test_the_canonical_expression_is_full_and_leaves_out_what_says_nothing():
    assert catalog.choose("captioners", "words").expression == "words:mini@one"
    assert catalog.choose("captioners", "third/words(beams=4)").expression == "words:mini@one"
    again = catalog.choose("captioners", "words(keep=1, beams=9)").expression
    assert again == "words:mini@one(beams=9, keep=1)"
    assert catalog.choose("captioners", again).expression == again


def test_two_plugins_with_one_name_are_both_reachable_and_the_bare_name_is_an_error(monkeypatch):
    _install(monkeypatch, Entry("third", Third()), Entry("rival", Rival()))
    with pytest.raises(UnknownName, match="Two plugins") as caught:
        catalog.choose("captioners", "bare")
    assert "rival/bare" in caught.value.hint
    chosen = catalog.choose("captioners", "rival/bare")
    assert chosen.expression == "rival/bare"
    assert Workshop().make(chosen) == "the rival's"


def test_a_baseline_without_its_data_set_says_what_to_write():
    with pytest.raises(BadOption) as caught:
        catalog.choose("captioners", "frequent")
    assert "frequent@soundbox-events" in caught.value.hint


def test_an_unknown_guide_and_a_guide_on_a_data_set_are_refused():
    with pytest.raises(UnknownName, match="guide 'louder'"):
        catalog.choose("captioners", "words+louder")
    with pytest.raises(BadOption, match="joins guides"):
        catalog.choose("datasets", "soundbox-events+louder")


def test_training_data_is_gathered_through_the_parts():
    learnt = catalog.trained_on(catalog.choose("captioners", "words@two"))
    assert learnt.captions == ("clotho/development",)
    assert learnt.language_model == ("novels",)
    assert learnt.encoder == ("audioset", "books")
    assert learnt.audio == ()
    keen = catalog.trained_on(catalog.choose("captioners", "words(encoder=ear:keen)"))
    assert keen.captions == ("audiocaps/train",), "an encoder's captions are no caption supervision"
    assert keen.encoder == ("clotho/development",)


def test_nobody_knows_what_own_weights_or_a_part_without_presets_learnt_from(tmp_path: Path):
    weights = tmp_path / "own.safetensors"
    weights.write_bytes(b"own")
    own = catalog.trained_on(catalog.choose("captioners", f"words(weights={weights})"))
    assert own.captions is None
    assert catalog.trained_on(catalog.choose("captioners", "bare")) == UNKNOWN
    expression = f"words(encoder=ear(weights={weights}))"
    inner = catalog.trained_on(catalog.choose("captioners", expression))
    assert (inner.captions, inner.encoder) == (("audiocaps/train",), None)


def test_the_fingerprint_holds_the_weights_of_a_captioner_and_of_its_encoder_apart(tmp_path: Path):
    own, ears = tmp_path / "own.bin", tmp_path / "ears.bin"
    own.write_bytes(b"words")
    ears.write_bytes(b"ears")
    chosen = catalog.choose("captioners", f"words(weights={own}, encoder=ear(weights={ears}))")
    found = catalog.fingerprint(chosen)
    assert found == {
        "weights": hashlib.sha256(b"words").hexdigest(),
        "encoder.weights": hashlib.sha256(b"ears").hexdigest(),
    }


def test_the_fingerprint_covers_folders_and_other_files_that_options_name(tmp_path: Path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"1")
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("say")
    chosen = catalog.choose("captioners", f"words(weights={folder}, prompts={prompts})")
    before = catalog.fingerprint(chosen)
    assert set(before) == {"weights", "prompts"}
    (folder / "a.bin").write_bytes(b"2")
    prompts.write_text("say it")
    after = catalog.fingerprint(chosen)
    assert after["weights"] != before["weights"]
    assert after["prompts"] != before["prompts"]


def test_missing_weights_are_named_and_a_tilde_is_home(tmp_path: Path, monkeypatch):
    with pytest.raises(MissingAsset, match=r"nowhere\.bin"):
        catalog.weights(catalog.choose("captioners", "words(weights=nowhere.bin)"))
    with pytest.raises(MissingAsset, match="nothing/of/that/name"):
        catalog.weights(catalog.choose("captioners", "words:paper"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.bin").write_bytes(b"")
    found = catalog.weights(catalog.choose("captioners", "words(weights=~/mine.bin)"))
    assert found == {"weights": tmp_path / "mine.bin"}


def test_a_missing_requirement_is_a_sentence_with_the_command():
    with pytest.raises(MissingRequirement) as caught:
        Workshop().build("captioners", "needy")
    assert "no_such_package" in caught.value.message
    assert "pip install no-such-package" in caught.value.hint


def test_a_factory_that_raises_is_named_with_its_plugin_and_the_place():
    with pytest.raises(PluginFault) as caught:
        Workshop().build("captioners", "words")
    assert "no memory left" in caught.value.message
    assert "'third'" in caught.value.message
    assert "test_catalog.py, line" in caught.value.message


def test_the_same_expression_gives_the_same_object():
    workshop = Workshop()
    assert workshop.build("encoders", "ear") is workshop.build("encoders", "third/ear:plain")


# --- a class in a file ----------------------------------------------------------------------------

FILE = """
from aacbench import Caption
import beside

class Fixed:
    def __init__(self, text, times=1, **more):
        if times < 1:
            raise ValueError("times must be positive")
        self.text = " ".join([text] * times) + beside.MARK

    def caption(self, clips):
        return [Caption(self.text) for _ in clips]

class Strict:
    def __init__(self, *, size=1):
        self.size = size
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("MARK = '!'\n")
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def test_a_class_in_a_file_is_a_captioner_with_options(file: Path):
    chosen = catalog.choose("captioners", f'{file}:Fixed(text="rain, then wind", times=2)')
    made = Workshop().make(chosen)
    assert made.caption([None])[0].text == "rain, then wind rain, then wind!"
    assert catalog.settings_of(chosen)["options"] == {"text": "rain, then wind", "times": 2}
    assert catalog.trained_on(chosen) == UNKNOWN
    assert catalog.choose("captioners", chosen.expression).options == chosen.options


def test_a_changed_file_is_another_version(file: Path):
    before = catalog.choose("captioners", f"{file}:Fixed(text=rain)").spec.version
    file.write_text(FILE + "\n# changed\n")
    assert catalog.choose("captioners", f"{file}:Fixed(text=rain)").spec.version != before


@pytest.mark.parametrize(
    ("term", "told"),
    [
        ("Fixd(text=rain)", "Fixed"),
        ("Fixed", "needs the option 'text'"),
        ("Strict(sise=1)", "size"),
        ("Fixed(text=rain, times=0)", "times must be positive"),
    ],
)
def test_mistakes_in_naming_a_class_or_its_options_are_explained(file: Path, term: str, told: str):
    with pytest.raises((UnknownName, BadOption, PluginFault)) as caught:
        Workshop().build("captioners", f"{file}:{term}")
    assert told in str(caught.value)


def test_a_file_that_is_absent_or_broken_is_named(tmp_path: Path):
    with pytest.raises(UnknownName, match=r"nowhere\.py"):
        catalog.choose("captioners", f"{tmp_path}/nowhere.py:Thing")
    broken = tmp_path / "broken.py"
    for text in ("def (", "raise SystemExit(3)", "import no_such_module_at_all"):
        broken.write_text(text)
        with pytest.raises(PluginFault, match=r"broken\.py"):
            Workshop().build("captioners", f"{broken}:Thing")
    with pytest.raises(BadOption, match="is a file"):
        catalog.choose("encoders", f"{broken}:Thing")


# --- targets --------------------------------------------------------------------------------------


def test_a_folders_path_is_a_target_and_a_data_sets_name_stays_a_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "soundbox-events"):
        (tmp_path / name).mkdir()
    target = catalog.choose_target("mine")
    assert target.choice.spec.name == "folder"
    assert target.choice.options.path == tmp_path / "mine", "scored from elsewhere, it is the same"
    assert catalog.choose_target("soundbox-events").name == "soundbox-events@test"
    assert catalog.choose_target("./soundbox-events").choice.spec.name == "folder"


def test_a_target_that_is_no_name_and_no_path_is_refused_in_words():
    for text in ("clohto", "x" * 5000, "~nobody-of-that-name", "soundbox-events@tset"):
        with pytest.raises(aacbench.AacbenchError):
            catalog.choose_target(text)


def test_splits_are_the_sources_of_data_sets():
    target = catalog.choose_target("soundbox-events@validation")
    assert (target.name, target.split) == ("soundbox-events@validation", "validation")


def test_merging_keeps_order_and_unknown_wins():
    first = TrainedOn(captions=("b", "a"), audio=())
    second = TrainedOn(captions=("a", "c"), audio=None)
    merged = catalog.merge([first, second])
    assert merged.captions == ("b", "a", "c")
    assert merged.audio is None


def test_models_of_parts_and_weights_can_be_compared(tmp_path: Path):
    weights = tmp_path / "w.bin"
    weights.write_bytes(os.urandom(8))
    names: Sequence[str] = sorted(
        catalog.models(catalog.choose("captioners", f"words(weights={weights})"))
    )
    assert "encoders:third/ear:plain" in names
    assert hashlib.sha256(weights.read_bytes()).hexdigest() in names
