"""Where a language model lies: a folder, the assets, an installed package, the hub's cache."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from aacbench.assets import assets_folders
from aacbench.errors import MissingAsset, nearest

TABLE = Path(__file__).with_name("models.toml")


@dataclass(frozen=True)
class Known:
    """A language model with a name; `gguf` is a file of the Python package `package`."""

    summary: str
    folder: str
    hub: str
    licence: str
    install: str
    package: str | None = None
    gguf: str | None = None


@cache
def known() -> Mapping[str, Known]:
    """Every language model that has a name here."""
    with TABLE.open("rb") as file:
        return {name: Known(**row) for name, row in tomllib.load(file).items()}


KNOWN = tuple(known())


def find_folder(named: str | Path) -> Path:
    """The folder of a language model as transformers reads it, without network.

    Looked for as a folder, in the installed package that carries it (converted once into the
    cache), among the assets, and in the hub's cache. Raises `MissingAsset` with the next command.
    """
    name = str(named)
    row = known().get(name)
    within = row.folder if row else name
    places = [Path(name).expanduser(), *(folder / within for folder in assets_folders())]
    if Path(name).is_dir():
        return Path(name)
    packed = _packed(row) if row else None
    if packed is not None:
        from aacbench.language_models.converting import converted

        return converted(packed, name)
    for place in places:
        if place.is_dir():
            return place
    found = _in_hub_cache(row.hub if row else name)
    if found is not None:
        return found
    install = row.install if row else f"hf download {name}"
    more = "" if row else f" {nearest(name, KNOWN)}"
    raise MissingAsset(
        f"There is no language model '{name}': looked for {', '.join(map(str, places))} and in "
        f"the hub's cache.{more}",
        f"{install}; or give a folder: language_model=FOLDER",
    )


def _packed(row: Known) -> Path | None:
    """The GGUF file of an installed package, which is located and never imported."""
    if row.package is None or row.gguf is None:
        return None
    spec = find_spec(row.package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / row.gguf).is_file():
            return Path(place) / row.gguf
    return None


def _in_hub_cache(hub: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(hub, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
