"""`zeroshot` and `zeraucap`: captioners that nothing was trained for.

A frozen language model continues a prompt; an encoder of sound and text says which continuations
sound like the clip. `zeroshot` moves the context cache towards them (Tewel et al.'s ZeroCap, in
the setting of Shaulov et al.); `zeraucap` puts keywords into the prompt and weighs candidates by
the encoder (Salewski et al.). Only specs stand here; models are imported when one is built.
"""

from __future__ import annotations

from typing import Any

from aacbench import CaptionerSpec, Choice, Context, Requirement, Trainer, hookimpl
from aacbench.presets import read_presets
from aacbench_zeroshot.options import ZeraucapOptions, ZeroshotOptions

REQUIRES = (Requirement("transformers", "pip install transformers"),)
TRAINER = Trainer("aacbench_zeroshot.options:TrainOptions", "aacbench_zeroshot.train:train")

ZEROSHOT = CaptionerSpec(
    name="zeroshot",
    summary="a frozen language model whose context is moved until its words suit the sound",
    paper="Shaulov et al., Classifier-Guided Captioning Across Modalities, 2025 (zero-shot); "
    "Tewel et al., ZeroCap, CVPR 2022",
    licence="Apache-2.0",
    options=ZeroshotOptions,
    presets=read_presets("aacbench_zeroshot"),
    default_preset="mini",
    requires=REQUIRES,
    parts={"encoder": "encoders"},
    weight_options=("weights",),
    trainer=TRAINER,
)
ZERAUCAP = CaptionerSpec(
    name="zeraucap",
    summary="keywords of the sound in a frozen language model's prompt, words weighed by the ears",
    paper="Salewski et al., Zero-shot audio captioning with audio-language model guidance and "
    "audio context keywords, 2023",
    licence="Apache-2.0",
    options=ZeraucapOptions,
    presets=read_presets("aacbench_zeroshot", "presets_zeraucap.toml"),
    default_preset="mini",
    requires=REQUIRES,
    parts={"encoder": "encoders"},
    weight_options=("weights",),
)


def create_zeroshot(choice: Choice, context: Context) -> Any:
    """The language model, the ears, and the guide that joins them."""
    from aacbench_zeroshot.building import ears, language_model
    from aacbench_zeroshot.zeroshot import Zeroshot

    return Zeroshot(language_model(choice, context), ears(choice, context), choice.options)


def create_zeraucap(choice: Choice, context: Context) -> Any:
    """The language model, the ears, and what they know words for."""
    from aacbench_zeroshot.building import ears, language_model
    from aacbench_zeroshot.zeraucap import Zeraucap

    return Zeraucap(language_model(choice, context), ears(choice, context), choice.options)


@hookimpl
def register_captioners(register: Any) -> None:
    register(ZEROSHOT, create_zeroshot)
    register(ZERAUCAP, create_zeraucap)
