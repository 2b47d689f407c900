"""The table of what kinds of models need to be told."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("families.toml")
ASKED = "Describe this sound in one sentence, as a caption would."


@dataclass(frozen=True)
class PublicModel:
    """Public weights: `parameters` in billions, `download` in GB, both about right; `options` are
    what they are best asked with."""

    id: str
    parameters: float
    download: float
    licence: str
    options: str = ""


@dataclass(frozen=True)
class Family:
    """One kind of model, as families.toml explains; the defaults are for one that is not in it."""

    prompt: str = ASKED
    order: tuple[str, ...] = ("audio", "text")
    placeholder: str | None = None
    stepped: str = "tried"
    class_name: str | None = None
    architectures: Mapping[str, str] = field(default_factory=dict)
    models: tuple[PublicModel, ...] = ()

    def asked(self, architecture: str | None) -> str:
        """The prompt of a model of this kind, by the class that its configuration names."""
        return self.architectures.get(architecture or "", self.prompt)


@cache
def families() -> Mapping[str, Family]:
    """Every kind in the table, by `model_type`."""
    with TABLE.open("rb") as file:
        return {name: _family(row) for name, row in tomllib.load(file).items()}


def family(model_type: str) -> Family:
    """The kind of a `model_type`."""
    return families().get(model_type) or Family()


@cache
def digest() -> str:
    """The sha256 of all that the table tells models, sizes and licences aside: a prompt that is
    changed here changes captions, and so must change the keys of runs."""
    told = {
        name: {key: value for key, value in asdict(one).items() if key != "models"}
        for name, one in families().items()
    }
    text = json.dumps([ASKED, told], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _family(row: Mapping[str, Any]) -> Family:
    given = {"class_name" if name == "class" else name: value for name, value in row.items()}
    given["models"] = tuple(PublicModel(**one) for one in row.get("models", ()))
    return Family(**{**given, "order": tuple(row.get("order", Family.order))})
