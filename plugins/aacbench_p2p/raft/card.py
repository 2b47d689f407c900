"""The card beside trained weights: what they are, and what they learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aacbench_p2p.raft.options import RaftTrainOptions

CARD = "raft.md"


def card(options: RaftTrainOptions, figures: Mapping[str, Any], digest: str, out: Path) -> None:
    """Write ``raft.md``: facts alone, since nothing was measured yet."""
    fields = type(options).model_fields
    given = {name: getattr(options, name) for name in fields}
    changed = {name: v for name, v in given.items() if v != fields[name].get_default()}
    told = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in changed.items())
    counts = ", ".join(f"{stage} {count:,}" for stage, count in figures["learning"].items())
    losses = ", ".join(f"{stage} {each[-1]:.3f}" for stage, each in figures["losses"].items())
    lines = [
        "# raft",
        "",
        "A connector from sound into a language model, fine-tuned with retrieved examples",
        "(Choi et al., sections 3.1 and 3.2).",
        "",
        f"- sha256 of `raft.safetensors`: `{digest}` ({figures['parameters']:,} weights).",
        f"- Trained on: {figures['captions']:,} captions of {options.captions}, with their sounds.",
        f"- Trained with: `aacbench train raft {told}`.",
        f"- Weights that learnt in each stage: {counts}.",
        f"- Mean loss of each stage's last hundred steps: {losses}.",
        "- Measured: nothing yet. aacbench run --captioner, aacbench score.",
        "",
    ]
    (out / CARD).write_text("\n".join(lines), encoding="utf-8")
