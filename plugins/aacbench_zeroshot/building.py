"""The parts that the captioners here are made of: a language model, and ears that read too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aacbench import Choice, Context
from aacbench.errors import BadOption, MissingAsset
from aacbench.language_models import LanguageModel, load


def ears(choice: Choice, context: Context) -> Any:
    """The chosen encoder; one that cannot read text is refused."""
    encoder = context.build("encoders", choice.options.encoder)
    if not callable(getattr(encoder, "embed_text", None)):
        raise BadOption(
            f"'{choice.spec.name}' needs an encoder that reads text, too: "
            f"'{choice.options.encoder}' has no embed_text.",
            "For example encoder=clap:small.",
        )
    return encoder


def language_model(choice: Choice, context: Context) -> LanguageModel:
    """The user's own, the one that ships with the preset, or one that has a name."""
    options = choice.options
    if options.weights is not None:
        return _own(options.weights.expanduser(), options.dtype, context.device)
    _refuse_another(choice)
    if options.language_model is not None:
        return load(options.language_model, context.device, options.dtype)
    (shipped,) = context.weights(choice).values()
    return _own(shipped, options.dtype, context.device)


def _own(path: Path, dtype: str, device: str) -> LanguageModel:
    if path.is_dir():
        return load(path, device, dtype)
    if not path.is_file():
        raise MissingAsset(
            f"{path} (option 'weights') is not there.",
            "Give a folder as transformers writes it, or train one: aacbench train zeroshot",
        )
    from aacbench_zeroshot.small import read_small

    return read_small(path, device, dtype)


def _refuse_another(choice: Choice) -> None:
    """A preset says what its language model has read, so another must not stand under its name."""
    preset = choice.spec.presets[choice.preset or ""]
    source = preset.sources.get(choice.source or "")
    own = {**preset.options, **(source.options if source else {})}.get("language_model")
    if choice.options.language_model == own:
        return
    others = [
        f"{choice.spec.name}:{name}@{inner}"
        for name, one in choice.spec.presets.items()
        for inner, options in one.sources.items()
        if options.options.get("language_model") == choice.options.language_model
    ]
    raise BadOption(
        f"{choice.spec.name}:{choice.preset}@{choice.source} says what its language model, "
        f"{own or 'the one that ships'}, has read; '{choice.options.language_model}' is another.",
        f"Write {others[0]}." if others else "Give your own by its folder: weights=FOLDER",
    )
