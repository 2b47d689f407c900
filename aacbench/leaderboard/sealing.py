"""A row's seal: the digest of every file, so that one that was changed is told by its name.

A seal keeps honest hands from slipping and no more: whoever edits a figure can write a new seal.
What holds then is that figures are computed again from the captions (`reproducing`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aacbench
from aacbench.leaderboard.results import PROFILE, SEAL, Kind, Result
from aacbench.store import CAPTIONS, MANIFEST, RANKINGS, RESULT, SCORES

SCHEMA = 1
FILES: Mapping[Kind, frozenset[str]] = {
    "measured": frozenset({MANIFEST, CAPTIONS, SCORES, RESULT}),
    "re-scored": frozenset({SCORES, RESULT}),
}
OPTIONAL = frozenset({PROFILE})


def files_of(row: Result) -> frozenset[str]:
    """The files that a row of its kind holds: of a retriever, rankings in place of captions."""
    files = FILES[row.kind]
    return (files - {CAPTIONS}) | {RANKINGS} if row.retrieval else files


def seal(
    kind: Kind, files: Mapping[str, str], said: str, left_out: Iterable[str] = ()
) -> dict[str, Any]:
    """The seal of a row's files, by name and text.

    `said` is a digest of the captions, kept here or not, by which they are known when they come
    again; `left_out` says what the row does not hold of what it was made from.
    """
    return {
        "schema": SCHEMA,
        "kind": kind,
        "sealed_by": f"aacbench {aacbench.__version__}",
        "files": {name: digest(text.encode()) for name, text in sorted(files.items())},
        "said": said,
        "left_out": list(left_out),
    }


def digest(content: bytes) -> str:
    """The sha256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def as_json(value: Mapping[str, Any]) -> str:
    """An object as the text of a row's file."""
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def write_row(path: Path, files: Mapping[str, str], sealed: Mapping[str, Any]) -> None:
    """Write a row beside its place, then put it there whole, in place of what was there."""
    partial, old = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.old")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, text in {**files, SEAL: as_json(sealed)}.items():
        (partial / name).write_bytes(text.encode())
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        os.replace(path, old)
    os.replace(partial, path)
    shutil.rmtree(old, ignore_errors=True)


def broken(row: Result) -> Iterator[str]:
    """A sentence for each file that is not as it was sealed, is missing, or was never sealed."""
    if row.seal.get("schema") != SCHEMA or row.seal.get("kind") != row.kind:
        yield (
            f"{SEAL}: schema {row.seal.get('schema')} of a row that is {row.seal.get('kind')}; "
            f"schema {SCHEMA} of one that is {row.kind} was due"
        )
    sealed = row.seal.get("files")
    sealed = sealed if isinstance(sealed, dict) else {}
    due = files_of(row)
    there = {path.name for path in row.path.iterdir()} - {SEAL}
    for name in sorted(there - due - OPTIONAL):
        yield f"{name}: a file that no row of this kind holds"
    for name in sorted(due | (sealed.keys() & OPTIONAL) | (there & OPTIONAL)):
        if name not in there:
            yield f"{name}: missing"
        elif name not in sealed:
            yield f"{name}: not sealed"
        elif (found := digest((row.path / name).read_bytes())) != sealed[name]:
            yield (
                f"{name}: changed since it was sealed (sha256 {found[:12]}, "
                f"sealed as {str(sealed[name])[:12]})"
            )
