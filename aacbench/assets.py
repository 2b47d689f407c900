"""Files from elsewhere: which there are, where they lie, and that they are the right ones.

Nothing here touches the network; `aacbench.fetch` does.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from aacbench.errors import BadData, MissingAsset, UnknownName, nearest

TABLE = Path(__file__).with_name("assets.toml")


@dataclass(frozen=True)
class Asset:
    """One file: `path` is relative to a folder of assets, `size` in bytes."""

    name: str
    path: str
    url: str
    sha256: str
    size: int
    licence: str
    homepage: str


def cache_home() -> Path:
    """The user's cache for aacbench: below ``$XDG_CACHE_HOME`` if that is absolute."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "aacbench"


def data_home() -> Path:
    """The folder of data sets: ``$AACBENCH_DATA``, else ``data`` in the cache."""
    named = os.environ.get("AACBENCH_DATA")
    return Path(named).expanduser() if named else cache_home() / "data"


def assets_home() -> Path:
    """The folder of assets that comes first."""
    return assets_folders()[0]


def assets_folders() -> tuple[Path, ...]:
    """Where assets are looked for: the folders of ``$AACBENCH_ASSETS``, then the cache."""
    named = os.environ.get("AACBENCH_ASSETS", "").split(os.pathsep)
    folders = [Path(folder).expanduser() for folder in named if folder]
    return (*folders, cache_home() / "assets")


def known() -> Mapping[str, Asset]:
    """Every asset that aacbench knows, by name."""
    return _table()[0]


def groups() -> Mapping[str, tuple[str, ...]]:
    """Names of assets that serve one purpose, by the group's name."""
    return _table()[1]


def members(what: str) -> tuple[Asset, ...]:
    """The assets of a group, or the one asset of that name."""
    if what not in groups() and what not in known():
        raise UnknownName(
            f"there is no asset or group of assets {what!r}", nearest(what, [*groups(), *known()])
        )
    return tuple(known()[name] for name in groups().get(what, (what,)))


def find(name: str) -> Path:
    """The file of an asset, checked; looked for without network.

    Raises `MissingAsset` if no folder has it, and `BadData` if one has another file in its place.
    """
    if name not in known():
        raise UnknownName(f"there is no asset {name!r}", nearest(name, known()))
    asset = known()[name]
    for folder in assets_folders():
        path = folder / asset.path
        if path.is_file():
            check(asset, path)
            return path
    looked = ", ".join(str(folder) for folder in assets_folders())
    raise MissingAsset(
        f"{name} is not on this machine; looked in {looked}",
        f"aacbench data fetch {_group_of(name)} "
        f"(or point AACBENCH_ASSETS at a folder that has {asset.path})",
    )


def check(asset: Asset, path: Path) -> None:
    """Raise `BadData` unless `path` holds the very bytes of `asset`."""
    found = _remembered_sha256(path)
    if found != asset.sha256:
        raise BadData(
            f"{path} is not {asset.name}: its sha256 is {found}, not {asset.sha256}",
            f"Delete it, then: aacbench data fetch {asset.name}",
        )


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as reason:
        raise BadData(
            f"{path}: cannot be read: {reason.strerror}", "Check its path and permissions."
        ) from reason


def _remembered_sha256(path: Path) -> str:
    """As `sha256_of`, once for a file that has not been written to since."""
    status = path.stat()
    return _sha256_at(path.absolute(), status.st_ino, status.st_size, status.st_mtime_ns)


@cache
def _sha256_at(path: Path, inode: int, size: int, modified: int) -> str:
    return sha256_of(path)


def _group_of(name: str) -> str:
    """The group that brings an asset, or the asset itself where it is in none."""
    return next((group for group, names in groups().items() if name in names), name)


@cache
def _table() -> tuple[Mapping[str, Asset], Mapping[str, tuple[str, ...]]]:
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    assets = {name: Asset(name=name, **entry) for name, entry in table["assets"].items()}
    grouped = {group: tuple(names) for group, names in table["groups"].items()}
    return MappingProxyType(assets), MappingProxyType(grouped)
