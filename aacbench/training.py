"""The training loop that plugins' trainers share: seeded, resumable, the same twice.

A batch is a pure function of the step's number, so a run that was killed goes on from its last
checkpoint with the batches that it would have seen. Device and precision are accelerate's work.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from aacbench.catalog import choose
from aacbench.errors import BadData, BadOption
from aacbench.expressions import split_outside
from aacbench.specs import Context
from aacbench.types import Dataset

CHECKPOINT = "checkpoint.pt"
REPORT_SECONDS = 5.0


@dataclass(frozen=True)
class FitSettings:
    """`schedule` is ``"cosine"`` or ``"linear"`` decay to zero after `warmup` steps, or
    ``"constant"``. `gradient_clip` bounds the gradient's norm; 0 leaves it alone."""

    steps: int
    learning_rate: float
    warmup: int = 0
    weight_decay: float = 0.0
    schedule: str = "cosine"
    gradient_clip: float = 1.0
    seed: int = 0
    checkpoint_every: int = 500

    def rate_at(self, step: int) -> float:
        """The learning rate's factor at `step` (0-based)."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        if self.schedule == "constant":
            return 1.0
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        if self.schedule == "linear":
            return 1.0 - done
        return 0.5 * (1.0 + float(np.cos(np.pi * done)))


@dataclass(frozen=True)
class FitReport:
    """`losses` is the mean loss of each hundred steps; `seconds` is wall time of this process."""

    steps: int
    resumed_at: int
    losses: tuple[float, ...]
    seconds: float
    device: str


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch; call before building the model that is to be trained."""
    set_seed(seed)


def fit(
    model: nn.Module,
    draw: Callable[[int], Any],
    loss: Callable[[nn.Module, Any], Tensor],
    settings: FitSettings,
    out: Path,
    parameters: Iterable[nn.Parameter] | None = None,
    report: Callable[[int, int, float], None] | None = None,
    device: str = "auto",
) -> FitReport:
    """Train `model` in place for `settings.steps` steps of AdamW.

    `draw(step)` gives the batch of a step and must depend on the step alone; `loss(model, batch)`
    gives a scalar. `parameters` are those that learn (default: all that require a gradient).
    `report(step, steps, loss)` is called every few seconds. `device` is ``"cpu"``, or else the GPU
    that accelerate finds is used, where there is one. Checkpoints are kept in `out`, the
    last one until `forget` is called, so that nothing is lost if the weights cannot be written;
    one that was made with other settings is refused.
    """
    accelerator = Accelerator(cpu=device == "cpu" or not torch.cuda.is_available())
    learning = [p for p in (parameters or model.parameters()) if p.requires_grad]
    optimizer = torch.optim.AdamW(
        learning, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    scheduler = LambdaLR(optimizer, settings.rate_at)
    checkpoint = Checkpoint(out / CHECKPOINT, settings)
    model.to(accelerator.device)
    start, losses = checkpoint.load(model, optimizer, scheduler)
    model, optimizer = accelerator.prepare(model, optimizer)
    model.train()
    began = told = time.monotonic()
    for step in range(start, settings.steps):
        # Dropout and any sampling inside the model follow the step too, so a resumed run
        # repeats what an unbroken one does.
        torch.manual_seed(settings.seed * 1_000_003 + step)
        value = loss(model, draw(step))
        optimizer.zero_grad()
        accelerator.backward(value)
        if settings.gradient_clip:
            accelerator.clip_grad_norm_(learning, settings.gradient_clip)
        optimizer.step()
        scheduler.step()
        losses.append(float(value.detach()))
        if report and (time.monotonic() - told > REPORT_SECONDS or step + 1 == settings.steps):
            told = time.monotonic()
            report(step + 1, settings.steps, float(np.mean(losses[-100:])))
        last = step + 1 == settings.steps
        if settings.checkpoint_every and ((step + 1) % settings.checkpoint_every == 0 or last):
            checkpoint.save(step + 1, model, optimizer, scheduler, losses)
    model.eval()
    means = tuple(float(np.mean(losses[i : i + 100])) for i in range(0, len(losses), 100))
    seconds = time.monotonic() - began
    return FitReport(settings.steps, start, means, seconds, str(accelerator.device))


class Checkpoint:
    """The state of an unfinished training, replaced atomically."""

    def __init__(self, path: Path, settings: FitSettings) -> None:
        self.path = path
        self.settings = asdict(settings)

    def load(self, model: nn.Module, optimizer: Any, scheduler: Any) -> tuple[int, list[float]]:
        """Restore all three; gives the step to go on from and the losses so far."""
        if not self.path.is_file():
            return 0, []
        saved = torch.load(self.path, weights_only=True)
        if saved["settings"] != self.settings:
            raise BadData(
                f"{self.path} is the checkpoint of a training with other settings.",
                f"Delete it to start afresh: rm '{self.path}'; or give another --out.",
            )
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
        return saved["step"], list(saved["losses"])

    def save(
        self, step: int, model: nn.Module, optimizer: Any, scheduler: Any, losses: list[float]
    ) -> None:
        """Write under a temporary name, then replace."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        state = {
            "step": step,
            "settings": self.settings,
            "losses": losses,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
        }
        torch.save(state, partial)
        os.replace(partial, self.path)


def forget(out: Path) -> None:
    """Remove the checkpoint from `out`: the weights are written."""
    (out / CHECKPOINT).unlink(missing_ok=True)


def save_weights(
    tensors: Mapping[str, Tensor],
    path: Path,
    metadata: Mapping[str, Any],
    dtype: torch.dtype = torch.float16,
) -> str:
    """Write floating-point tensors as `dtype` to a safetensors file; gives its sha256.

    `metadata` (a model's configuration) is stored in the header as sorted JSON, so that equal
    weights give equal bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = {
        name: (t.detach().to("cpu", dtype) if t.is_floating_point() else t.cpu()).contiguous()
        for name, t in sorted(tensors.items())
    }
    partial = path.with_suffix(".partial")
    partial.write_bytes(save(stored, {"config": json.dumps(metadata, sort_keys=True)}))
    os.replace(partial, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a safetensors file as float32, and the configuration in its header."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as opened:
        metadata = opened.metadata() or {}
        names = list(opened.keys())
        tensors = {name: opened.get_tensor(name) for name in names}
    floats = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    return floats, json.loads(metadata.get("config", "{}"))


def train_parts(context: Context, names: str) -> list[tuple[str, Dataset, str]]:
    """The training parts of data sets joined by ``+``: (name, data set, split) of each.

    ``clotho`` stands for its training split, ``clotho@validation`` for another.
    """
    parts = []
    for name in (piece.strip() for piece in split_outside(names, "+")):
        choice = choose("datasets", name)
        spec = choice.spec
        split = choice.source if "@" in name else getattr(spec, "train_split", None)
        if not split:
            raise BadOption(f"'{spec.name}' has no training part.", f"Write {spec.name}@SPLIT.")
        parts.append((spec.name, context.build("datasets", name), split))
    return parts
