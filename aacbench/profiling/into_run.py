"""A profile beside a run's captions: only where both are of one captioner with one set of
weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aacbench import provenance
from aacbench.errors import BadOption
from aacbench.profiling.report import PROFILE, Profile
from aacbench.store import RunFolder

DECIDING = ("captioner", "weights", "knowledge", "dtype", "resampler")
"""Of what decides a run's captions, what is the captioner's: the target and the seed are not."""


def target_of(run: Path) -> str:
    """The target that a run captioned, as an expression."""
    return str(RunFolder(run).manifest()["target"]["expression"])


def digest(decides: Mapping[str, Any]) -> str:
    """What a captioner with its weights is known by."""
    return provenance.digest({name: decides.get(name) for name in DECIDING})


def refuse_other(run: Path, captioner: str, decides: Mapping[str, Any]) -> None:
    """Raise `BadOption` where the run was made by another captioner, or with other weights."""
    manifest = RunFolder(run).manifest()
    theirs = manifest["decides"]
    different = [name for name in DECIDING if theirs.get(name) != decides.get(name)]
    if different:
        made_by = manifest["captioner"]["expression"]
        raise BadOption(
            f"{run} was made by {made_by}, and what is to be profiled, {captioner}, differs in "
            f"{' and '.join(different)}.",
            f"Profile the run's own: aacbench profile '{made_by}' --into '{run}'",
        )


def write(run: Path, profile: Profile) -> Path:
    """Write ``profile.json`` into the run's folder, and give its path."""
    folder = RunFolder(run)
    if digest(folder.manifest()["decides"]) != profile.decides:
        raise BadOption(
            f"{run} was made by another captioner than {profile.captioner}, or with other weights.",
            "Profile the run's own captioner.",
        )
    with folder.locked():
        folder.write_json(PROFILE, profile.as_json())
    return folder.path / PROFILE
