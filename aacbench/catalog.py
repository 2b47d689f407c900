"""A name -> its spec and its factory, with presets, sources and options resolved."""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from aacbench import bases, expressions
from aacbench.errors import (
    BadOption,
    MissingAsset,
    UnknownName,
    nearest,
)
from aacbench.from_file import choose_file
from aacbench.plugins import Part, Registry, registry
from aacbench.specs import (
    UNKNOWN,
    Choice,
    DatasetSpec,
    GuideSpec,
    Kind,
    Preset,
    Source,
    Spec,
    TrainedOn,
)

WORD_TABLES = {".csv", ".json", ".txt"}


def find(kind: Kind, name: str, known: Registry | None = None) -> Part:
    """The part of that name; ``plugin/name`` picks one where two plugins share it."""
    known = known or registry()
    plugin, slash, short = name.rpartition("/")
    parts = known.parts[kind].get(short, [])
    if slash:
        parts = [part for part in parts if part.spec.plugin == plugin]
    if not parts:
        hint = nearest(short, known.parts[kind])
        if known.faults:
            hint += " A plugin failed to load: see aacbench doctor."
        raise UnknownName(f"There is no {kind[:-1]} '{name}'.", hint)
    if len(parts) > 1:
        owners = " or ".join(f"{part.spec.plugin}/{short}" for part in parts)
        raise UnknownName(f"Two plugins offer a {kind[:-1]} '{name}'.", f"Write {owners}.")
    return parts[0]


def choose(kind: Kind, expression: str) -> Choice:
    """Resolve an expression: preset, source and every option, validated and with defaults."""
    head, *rest = expressions.parse(expression)
    if rest and kind != "captioners":
        raise BadOption(f"'+' joins guides to a captioner, not to a {kind[:-1]}.", "Leave it out.")
    if head.is_file:
        if kind != "captioners":
            raise BadOption(f"{head.name} is a file, not a {kind[:-1]}.", "Name a registered one.")
        choice = choose_file(head)
    else:
        choice = _choose(kind, head)
    guides = tuple(_choose("guides", _suited(term, choice)) for term in rest)
    joined = "+".join([choice.expression, *(guide.expression for guide in guides)])
    return replace(choice, guides=guides, expression=joined)


def _suited(term: expressions.Term, captioner: Choice) -> expressions.Term:
    """A guide that is written without a preset, with the one that suits the captioner's."""
    spec = find("guides", term.name).spec
    suits = spec.suits if isinstance(spec, GuideSpec) else {}
    return replace(term, preset=term.preset or suits.get(captioner.preset or ""))


def _choose(kind: Kind, term: expressions.Term) -> Choice:
    spec = find(kind, term.name).spec
    shared = len(registry().parts[kind][spec.name]) > 1
    name = f"{spec.plugin}/{spec.name}" if shared else spec.name
    preset_name, preset = _preset(spec, term)
    source_name, source = _source(spec, preset, term)
    defaults = {**(preset.options if preset else {}), **(source.options if source else {})}
    options = _options(spec, defaults, term.options)
    plain = _options(spec, defaults, {})
    given = {
        name: value
        for name, value in _dump(options).items()
        if name in term.options and value != _dump(plain).get(name)
    }
    expression = expressions.write(name, preset_name, source_name, given)
    return Choice(kind, spec, expression, options, preset_name, source_name)


def _preset(spec: Spec, term: expressions.Term) -> tuple[str | None, Preset | None]:
    name = term.preset or spec.default_preset
    if name is None:
        return None, None
    if name not in spec.presets:
        raise UnknownName(f"'{spec.name}' has no preset '{name}'.", nearest(name, spec.presets))
    return name, spec.presets[name]


def _source(
    spec: Spec, preset: Preset | None, term: expressions.Term
) -> tuple[str | None, Source | None]:
    if isinstance(spec, DatasetSpec):
        split = term.source or spec.default_split
        if split not in spec.splits:
            raise UnknownName(f"'{spec.name}' has no split '{split}'.", nearest(split, spec.splits))
        return split, None
    if spec.source_is_dataset:
        return _dataset_source(spec, term)
    if spec.source_is_knowledge:
        return _knowledge_source(spec, term)
    known = preset.sources if preset else {}
    name = term.source or (preset.default_source if preset else None)
    if name is None:
        return None, None
    if name not in known:
        raise UnknownName(f"'{spec.name}' has no source '@{name}'.", nearest(name, known))
    return name, known[name]


def _dataset_source(spec: Spec, term: expressions.Term) -> tuple[str, Source]:
    if term.source is None:
        raise BadOption(
            f"'{spec.name}' takes its captions from a data set's training part; say whose.",
            f"For example {spec.name}@soundbox-events",
        )
    found = cast(DatasetSpec, find("datasets", term.source).spec)
    if found.train_split is None:
        raise BadOption(f"'{found.name}' has no training part.", "Name another data set.")
    split = (f"{found.name}/{found.train_split}",)
    return term.source, Source(TrainedOn(captions=split, knowledge_base=split))


def _knowledge_source(spec: Spec, term: expressions.Term) -> tuple[str | None, Source | None]:
    if term.source is None:  # one is asked for where something is to be looked up
        return None, None
    if term.options.get("knowledge") is not None:
        raise BadOption(
            f"'{spec.name}@{term.source}' names a knowledge base, and its option another.",
            "Leave one of them out.",
        )
    bases.recipe(term.source)
    return term.source, None


def _options(spec: Spec, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    if spec.options is None:
        if given:
            raise BadOption(f"'{spec.name}' takes no options.", f"Given: {', '.join(given)}.")
        return None
    return validate(spec.options, {**defaults, **given}, f"'{spec.name}'")


def validate(model: type[Any], values: Mapping[str, Any], owner: str) -> Any:
    """An instance of a pydantic model; an unknown name or a bad value is a `BadOption`."""
    from pydantic import ValidationError

    known = model.model_fields
    for name in values:
        if name not in known:
            raise BadOption(f"{owner} has no option '{name}'.", nearest(name, known))
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        told = first["msg"].removeprefix("Value error, ")
        where = ".".join(str(place) for place in first["loc"])  # none where options do not agree
        places = ": ".join(part for part in (owner, where, told) if part)
        raise BadOption(f"{places}.", f"Given: {first['input']!r}.") from None


def _dump(options: Any) -> dict[str, Any]:
    if options.__class__ is dict:  # of a class in a file, which has no model to validate them
        return dict(options)
    return options.model_dump(mode="json") if options is not None else {}


def settings_of(choice: Choice) -> dict[str, Any]:
    """A choice after defaults, as JSON: what a manifest records of it."""
    return {
        "expression": choice.expression,
        "plugin": choice.spec.plugin,
        "name": choice.spec.name,
        "version": choice.spec.version,
        "preset": choice.preset,
        "source": choice.source,
        "options": _dump(choice.options),
        "guides": [settings_of(guide) for guide in choice.guides],
    }


# --- what stands behind a choice ------------------------------------------------------------------


def _layers(choice: Choice) -> Iterable[Preset | Source]:
    preset = choice.spec.presets.get(choice.preset or "")
    if preset:
        yield preset
        if choice.source is not None and choice.source in preset.sources:
            yield preset.sources[choice.source]
    if choice.spec.source_is_dataset and choice.source:
        term = expressions.Term(choice.spec.name, None, choice.source)
        yield _dataset_source(choice.spec, term)[1]
    if choice.spec.source_is_knowledge:
        yield Source(TrainedOn(knowledge_base=_went_in(choice)))


def _went_in(choice: Choice) -> tuple[str, ...]:
    """The splits that a choice's knowledge base holds pairs of."""
    if choice.source:
        return tuple(map(bases.origins, bases.recipe(choice.source).splits()))
    if choice.options.knowledge is None:
        return ()
    manifest = bases.read_manifest(Path(os.path.expanduser(choice.options.knowledge)))
    return tuple(str(name) for name in manifest["datasets"])


def weights(choice: Choice) -> dict[str, Path]:
    """The weight files of a choice: its assets, and what its options name or else what ships."""
    options = _dump(choice.options) if choice.options.__class__ is not dict else {}
    given = {name: options[name] for name in choice.spec.weight_options if options.get(name)}
    own = {name: Path(os.path.expanduser(path)) for name, path in given.items()}
    for name, path in own.items():
        if not path.exists():
            raise MissingAsset(f"{path} (option '{name}') is not there.", "Give another path.")
    named = [name for layer in _layers(choice) for name in layer.weights]
    # Weights of one's own stand in for those that ship; public files below them stay in use.
    kept = [name for name in named if not own or name.startswith("asset:")]
    return own | {name: locate(name) for name in kept}


def locate(name: str) -> Path:
    """The file that ``"package:path"`` or ``"asset:name"`` stands for."""
    owner, _, inner = name.partition(":")
    if owner == "asset":
        from aacbench import assets

        return assets.find(inner)
    path = Path(str(files(importlib.import_module(owner)))) / inner
    if not path.is_file():
        raise MissingAsset(f"{inner} is missing from the package {owner}.", "Install it anew.")
    return path


def parts_of(choice: Choice) -> dict[str, Choice]:
    """The other parts that a choice is made of, by the option that names them."""
    options = _dump(choice.options) if choice.spec.parts else {}
    return {
        name: choose(kind, options[name])
        for name, kind in choice.spec.parts.items()
        if options.get(name)
    }


def fingerprint(choice: Choice) -> dict[str, str]:
    """The sha256 of every file behind a choice: weights, whatever else its options name by path,
    and the same of its parts (``"encoder.NAME"``) and guides (``"+guide.NAME"``). Options that name
    a model which lies elsewhere have a method `identity` that gives its commit by the option."""
    found = {name: _digest(path) for name, path in _files(choice).items()}
    found |= getattr(choice.options, "identity", dict)()
    if choice.spec.source_is_knowledge and choice.source:
        found["knowledge"] = bases.recipe(choice.source).digest
    inner = {
        **parts_of(choice),
        **{f"+{guide.spec.name}": guide for guide in choice.guides},
    }
    for owner, part in inner.items():
        found |= {f"{owner}.{name}": value for name, value in fingerprint(part).items()}
    return found


def _files(choice: Choice) -> dict[str, Path]:
    found = weights(choice)
    if choice.kind == "datasets" or not hasattr(choice.options, "model_dump"):
        return found
    for name, value in choice.options.model_dump().items():
        if isinstance(value, Path) and os.path.exists(path := os.path.expanduser(value)):
            found.setdefault(name, Path(path))
    return found


def _digest(path: Path) -> str:
    """The sha256 of a file, or of the names and bytes of all that a folder holds, what is hidden
    aside: there programs leave notes of their own, such as when something was fetched."""
    from aacbench.assets import remembered_sha256, sha256_of

    if path.is_file():
        return sha256_of(path)
    if bases.is_base(path):
        return str(bases.read_manifest(path)["digest"])
    inner = {file.relative_to(path): file for file in path.rglob("*") if file.is_file()}
    shown = sorted(name for name in inner if not any(part[0] == "." for part in name.parts))
    lines = [f"{name.as_posix()}\t{remembered_sha256(inner[name])}" for name in shown]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def models(choice: Choice) -> set[str]:
    """Every part, public model and weight file behind a choice, as names that can be compared.

    A tokenizer's words and a tagger's labels are no model: many that are strangers share them.
    """
    files = (path for path in _files(choice).values() if path.suffix not in WORD_TABLES)
    found = built_on(choice) | {_digest(path) for path in files}
    return found.union(*map(models, (*parts_of(choice).values(), *choice.guides)))


def built_on(choice: Choice) -> set[str]:
    """As `models`, without the weight files, which may not be here."""
    found = {name for layer in _layers(choice) for name in layer.built_on}
    found |= set(getattr(choice.options, "built_on", ()))  # a model that an option names by its id
    for inner in (*parts_of(choice).values(), *choice.guides):
        source = f"@{inner.source}" if inner.source else ""
        found |= {f"{inner.kind}:{inner.spec.plugin}/{inner.spec.name}:{inner.preset}{source}"}
        found |= built_on(inner)
    return found


def trained_on(choice: Choice) -> TrainedOn:
    """What every part of a choice has learnt from.

    An encoder's own training data counts as `encoder`, whatever part of the encoder saw it. With
    weights of the user's own, nobody but the user knows; nor does anybody of a part that does not
    say it.
    """
    options = choice.options.__class__ is not dict and _dump(choice.options)
    if options and any(options.get(name) for name in choice.spec.weight_options):
        merged = UNKNOWN
    else:
        said = [layer.trained_on for layer in _layers(choice) if layer.trained_on is not None]
        merged = merge(said) if said else UNKNOWN
    for inner in parts_of(choice).values():
        learnt = trained_on(inner)
        if inner.kind == "encoders":
            learnt = TrainedOn(encoder=union(getattr(learnt, f.name) for f in fields(learnt)))
        merged = merge([merged, learnt])
    for guide in choice.guides:
        merged = merge([merged, trained_on(guide)])
    return merged


def merge(several: Iterable[TrainedOn]) -> TrainedOn:
    """Part by part, all that any of them saw."""
    listed = list(several)
    return TrainedOn(
        **{f.name: union(getattr(t, f.name) for t in listed) for f in fields(TrainedOn)}
    )


def union(several: Iterable[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """All names in order of first appearance; None as soon as one is unknown."""
    names: dict[str, None] = {}
    for one in several:
        if one is None:
            return None
        names.update(dict.fromkeys(one))
    return tuple(names)


@dataclass(frozen=True)
class Target:
    """A data set and the split of it that is captioned."""

    choice: Choice
    split: str

    @property
    def name(self) -> str:
        """``"clotho@evaluation"``, ``"folder:mine@all"``: how tables and run folders call it."""
        path = getattr(self.choice.options, "path", None)
        which = f":{path.resolve().name}" if isinstance(path, Path) else ""
        return f"{self.choice.spec.name}{which}@{self.split}"


def choose_target(expression: str) -> Target:
    """A target by its expression; the path of a folder stands for ``folder(path=...)``.

    A folder that is called like a data set is written with its path: ``./clotho``.
    """
    path = os.path.expanduser(expression)
    if expression not in registry().parts["datasets"] and os.path.isdir(path):
        # The whole path, so that the run can be scored from anywhere.
        expression = expressions.write("folder", None, None, {"path": os.path.abspath(path)})
    choice = choose("datasets", expression)
    return Target(choice, choice.source or "")
