"""A plugin of retrievers, laid into a folder as an installer would, for the real loader to find.

`cosine` compares sounds and texts in an encoder's space; `table`, `knows` and `guesses` read their
similarities from a file, so that every rank is known; `deaf` never looks at text; `broken` breaks
its contract as it is told.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aacbench.plugins import registry

MODULE = '''
import json
import os
import time
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from aacbench import Preset, RetrieverSpec, TrainedOn, hookimpl
from aacbench.audio import waveform


class CosineOptions(BaseModel):
    encoder: str = "clap:mini"


class TableOptions(BaseModel):
    path: Path | None = None
    fails: str = ""
    sleep: float = 0.0


class BrokenOptions(BaseModel):
    how: str = "shape"


class Cosine:
    def __init__(self, encoder):
        self.encoder = encoder

    def similarities(self, clips, texts):
        return self.encoder.embed_audio(clips) @ self.encoder.embed_text(texts).T


class Table:
    """Similarities by clip and text, from a JSON; notes every clip that it is asked about."""

    def __init__(self, name, options):
        self.options = options
        self.path = str(options.path or Path(os.environ["TABLES"]) / f"{name}.json")
        self.known = json.loads(Path(self.path).read_text())

    def similarities(self, clips, texts):
        with open(f"{self.path}.asked", "a") as log:
            log.writelines(f"{clip.id}\\n" for clip in clips)
        for clip in clips:
            waveform(clip, 8000)
        time.sleep(self.options.sleep * len(clips))
        if any(clip.id in self.options.fails.split() for clip in clips):
            raise ValueError("cannot be heard")
        return np.array([[self.known[clip.id][text] for text in texts] for clip in clips], "f4")


class Deaf:
    def retrieve(self, clips, k, captions=None):
        return [[] for _ in clips]


class Broken:
    def __init__(self, how):
        self.how = how

    def similarities(self, clips, texts):
        found = np.zeros((len(clips), len(texts)))
        if self.how == "raises":
            raise ValueError("out of tune")
        if self.how == "nan":
            found[-1, -1] = np.nan
        return found.T[:-1] if self.how == "shape" else found


@hookimpl
def register_retrievers(register):
    register(
        RetrieverSpec(name="cosine", summary="cosine of sound and text", options=CosineOptions,
                      parts={"encoder": "encoders"}, default_preset="plain",
                      presets={"plain": Preset(trained_on=TrainedOn())}),
        lambda choice, context: Cosine(context.build("encoders", choice.options.encoder)),
    )
    learnt = Preset(trained_on=TrainedOn(captions=("small-tones/train",)))
    for name in ("table", "knows", "guesses"):
        register(RetrieverSpec(name=name, summary="known similarities", options=TableOptions,
                               default_preset="plain", presets={"plain": learnt}),
                 lambda choice, context: Table(choice.spec.name, choice.options))
    register(RetrieverSpec(name="deaf", summary="hears no text"), lambda choice, context: Deaf())
    register(RetrieverSpec(name="broken", summary="breaks its contract", options=BrokenOptions),
             lambda choice, context: Broken(choice.options.how))
'''


def lay(site: Path) -> Path:
    """Lay the plugin into `site`, which goes on the path."""
    info = site / "cosine_retrievers-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "cosine_retrievers.py").write_text(MODULE, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cosine-retrievers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[aacbench]\ncosine = cosine_retrievers\n")
    return site


@contextmanager
def loaded(site: Path, patch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The plugins that are installed, and this one, loaded anew; as before on leaving."""
    patch.syspath_prepend(lay(site))
    registry.cache_clear()
    yield registry()
    registry.cache_clear()


def environment(site: Path) -> dict[str, str]:
    """The environment of a process that finds the plugin."""
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def write_table(path: Path, rows: dict[str, dict[str, float]]) -> Path:
    """Similarities by clip and text for `table`."""
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path
