"""A latency profile as data: what `aacbench profile` writes and leaderboards read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aacbench.errors import BadData

SCHEMA = 1
PROFILE = "profile.json"


@dataclass(frozen=True)
class Profile:
    """One captioner on one machine. Times are in milliseconds where their name ends in `_ms`.

    `valid` is False where `reasons` speak against the figures; a figure that was not measured is
    None or missing, and `absent` says why. `decides` is a digest of what decides the captions.
    """

    captioner: str
    decides: str
    settings: Mapping[str, Any]
    machine: Mapping[str, Any]
    commit: Mapping[str, Any] | None
    time: str
    valid: bool
    reasons: tuple[str, ...]
    conditions: Mapping[str, Any]
    stages: Mapping[str, Any]
    latency: Mapping[str, Any]
    rtf: float
    throughput: tuple[Mapping[str, Any], ...]
    tokens: float | None
    ms_per_token: float | None
    first_token_ms: float | None
    load: Mapping[str, Any]
    memory: Mapping[str, Any]
    parameters: Mapping[str, Any] | None
    flops: Mapping[str, Any] | None
    energy: Mapping[str, Any] | None
    guide: Mapping[str, Any] | None
    absent: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """The content of ``profile.json``."""
        return {"schema": SCHEMA, **asdict(self)}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write under a temporary name, then replace."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise BadData(
            f"{path} cannot be written: {error.strerror}.", "Give another path."
        ) from None
