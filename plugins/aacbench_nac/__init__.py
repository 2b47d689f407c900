"""`nac`: captioning learnt from text alone, heard through a joint space (Deshmukh et al.).

Only specs stand here; models are imported when one is built.
"""

from __future__ import annotations

from typing import Any

from aacbench import CaptionerSpec, Choice, Context, Requirement, Trainer, hookimpl
from aacbench.errors import MissingAsset
from aacbench.presets import read_presets
from aacbench_nac.options import NacOptions, captions_of

CLIPCAP = "clipcap-"
"""What the sources that stand for ClipCap's public files begin with."""

NAC = CaptionerSpec(
    name="nac",
    summary="trained on captions alone; at inference the audio encoder takes the text's place",
    paper="Deshmukh et al., Training Audio Captioning Models without Audio, ICASSP 2024",
    licence="Apache-2.0",
    options=NacOptions,
    presets=read_presets("aacbench_nac"),
    default_preset="mini",
    requires=(Requirement("transformers", "pip install transformers"),),
    parts={"encoder": "encoders"},
    weight_options=("weights",),
    trainer=Trainer("aacbench_nac.options:NacTrainOptions", "aacbench_nac.train:train"),
)


def create(choice: Choice, context: Context) -> Any:
    """Load the chosen weights and the chosen ears."""
    from aacbench_nac.captioner import Nac

    found = context.weights(choice)
    if not found:
        raise to_be_trained(choice)
    path = found.get("weights") or next(iter(found.values()))
    encoder = context.build("encoders", choice.options.encoder)
    return Nac.load(path, encoder, choice.options, context.device)


def to_be_trained(choice: Choice) -> MissingAsset:
    """What to type where nobody has given out the weights of a preset, or not to fetch."""
    if str(choice.source).startswith(CLIPCAP):
        file = f"{str(choice.source).removeprefix(CLIPCAP)}_weights.pt"
        return MissingAsset(
            f"ClipCap's {file} cannot be fetched from here: its authors keep it on Google Drive.",
            "Take it from https://github.com/rmokady/CLIP_prefix_caption; then use "
            f'"nac:{choice.preset}@{choice.source}(weights={file})"',
        )
    captions = captions_of(choice.source)
    out = f"trained/nac-{choice.preset}-{choice.source}"
    return MissingAsset(
        f"Nobody has given out weights of nac:{choice.preset}@{choice.source}.",
        f"Train them: aacbench train nac --preset {choice.preset} --captions {captions} "
        f"--out {out}; then use "
        f'"nac:{choice.preset}@{choice.source}(weights={out}/nac.safetensors)"',
    )


@hookimpl
def register_captioners(register: Any) -> None:
    register(NAC, create)
