"""`guide`: a text classifier steers what a captioner says, without training it (Shaulov et al.).

Only specs stand here; models are imported when one is built.
"""

from __future__ import annotations

from typing import Any

from aacbench import Choice, Context, GuideSpec, hookimpl
from aacbench.presets import read_presets
from aacbench_guide.options import GuideOptions

GUIDE = GuideSpec(
    name="guide",
    summary="moves the context cache until a text classifier (of audibility, say) agrees",
    paper="Shaulov et al., Classifier-Guided Captioning Across Modalities, 2025",
    licence="Apache-2.0",
    options=GuideOptions,
    presets=read_presets("aacbench_guide"),
    default_preset="mini",
    suits={"small": "small"},
    parts={"classifier": "classifiers"},
)


def create(choice: Choice, context: Context) -> Any:
    """The chosen classifier, made into a loss."""
    from aacbench_guide.guide import ClassifierGuide

    classifier = context.build("classifiers", choice.options.classifier)
    return ClassifierGuide(classifier, choice.options)


@hookimpl
def register_guides(register: Any) -> None:
    register(GUIDE, create)
