"""Classifiers of text: `audibility`, which says whether a caption can be heard, and one's own.

Both are built by one loader: the header of a weights file says which architecture it holds, and a
folder holds a transformer. `audibility:mini` is small and fast, for guiding; `audibility:judge` has
another architecture and learnt from other sentences, so that what one has steered the other may
judge.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from aacbench.builtin.classifiers.options import names_in
from aacbench.errors import BadOption
from aacbench.presets import read_presets
from aacbench.specs import Choice, ClassifierSpec, Context, Requirement, Trainer
from aacbench.types import Classifier

if TYPE_CHECKING:
    from aacbench.hookspecs import Register


class ClassifierOptions(BaseModel):
    """Options of both: which weights, and what their outputs are called."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: Path | None = Field(
        None, description="a file of `aacbench train classifier`, or a transformer's folder"
    )
    labels: Annotated[tuple[str, ...] | None, BeforeValidator(names_in)] = Field(
        None, description="names of the outputs in their order, where the weights have no names"
    )


REQUIRES = (Requirement("torch", "pip install aacbench"),)


def audibility() -> ClassifierSpec:
    """What `audibility` says about itself."""
    return ClassifierSpec(
        name="audibility",
        summary="whether what a caption says can be heard: 'audible' or 'inaudible'",
        licence="Apache-2.0",
        options=ClassifierOptions,
        presets=read_presets(__name__),
        default_preset="mini",
        requires=REQUIRES,
        weight_options=("weights",),
    )


def classifier() -> ClassifierSpec:
    """What `classifier` says about itself."""
    return ClassifierSpec(
        name="classifier",
        summary="your own classifier of sentences: classifier(weights=PATH)",
        licence="Apache-2.0",
        options=ClassifierOptions,
        requires=REQUIRES,
        weight_options=("weights",),
        trainer=Trainer(
            options="aacbench.builtin.classifiers.options:ClassifierTrainOptions",
            run="aacbench.builtin.classifiers.train:train",
            positional=("positives", "negatives"),
        ),
    )


def make(choice: Choice, context: Context) -> Classifier:
    """The classifier that lies in the choice's weights."""
    from aacbench.builtin.classifiers.loading import load_classifier

    options: ClassifierOptions = choice.options
    found = list(context.weights(choice).values())
    if not found:
        raise BadOption(
            f"'{choice.expression}' names no weights.",
            f"Write {choice.expression.split('(')[0]}(weights=PATH); they are made by: "
            "aacbench train classifier POSITIVES.txt NEGATIVES.txt"
            + (" --preset paper --base FOLDER" if choice.preset == "paper" else ""),
        )
    return load_classifier(found[0], options.labels, context.device)


def register(register: Register) -> None:
    """Register both."""
    register(audibility(), make)
    register(classifier(), make)
