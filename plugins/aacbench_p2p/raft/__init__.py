"""`raft`: a language model that is shown sounds with their captions before the sound to caption
(Choi et al., sections 3.1 and 3.2).

Only the spec stands here; models are imported when one is built.
"""

from __future__ import annotations

from typing import Any

from aacbench import CaptionerSpec, Choice, Context, Requirement, Trainer
from aacbench.errors import MissingAsset
from aacbench.presets import read_presets
from aacbench_p2p.raft.options import RaftOptions

SPEC = CaptionerSpec(
    name="raft",
    summary="sounds through a connector into a language model, fine-tuned to use examples",
    paper="Choi et al., Audio Captioning via Generative Pair-to-Pair Retrieval, 2025, section 3.2",
    licence="Apache-2.0",
    options=RaftOptions,
    presets=read_presets("aacbench_p2p", "presets_raft.toml"),
    default_preset="mini",
    requires=(
        Requirement("transformers", "pip install transformers"),
        Requirement("peft", "pip install peft"),
    ),
    parts={"encoder": "encoders"},
    weight_options=("weights",),
    trainer=Trainer("aacbench_p2p.raft.options:RaftTrainOptions", "aacbench_p2p.raft.train:train"),
)


def create(choice: Choice, context: Context) -> Any:
    """Load the chosen weights and the chosen ears."""
    from aacbench_p2p.raft.captioner import Raft

    found = context.weights(choice)
    if not found:
        raise to_be_trained(choice)
    path = found.get("weights") or next(iter(found.values()))
    encoder = context.build("encoders", choice.options.encoder)
    return Raft.load(path, encoder, choice.options, context)


def to_be_trained(choice: Choice) -> MissingAsset:
    """What to type where nobody has given out the weights of a preset."""
    out = f"trained/raft-{choice.preset}-{choice.source}"
    return MissingAsset(
        f"Nobody has given out weights of raft:{choice.preset}@{choice.source}.",
        f"Train them: aacbench train raft --preset {choice.preset} --out {out}; then use "
        f'"raft:{choice.preset}@{choice.source}(weights={out}/raft.safetensors)"',
    )
