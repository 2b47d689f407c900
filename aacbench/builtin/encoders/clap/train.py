"""`aacbench train clap`: weights and a card that says what they saw and how well they hear."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import torch

from aacbench import training
from aacbench.builtin.datasets.soundbox.classes import sound_classes
from aacbench.builtin.encoders.clap import train_mini
from aacbench.builtin.encoders.clap.corpus import gather
from aacbench.builtin.encoders.clap.mini import MiniEars, Shape, config_of
from aacbench.builtin.encoders.clap.options import ClapTrainOptions
from aacbench.builtin.encoders.clap.text_space import text_space

if TYPE_CHECKING:
    from aacbench.specs import Context

DOMAINS = ("soundbox-events", "soundbox-scenes")
PROMPT = "the sound of {}"
UNTOLD = {"cache", "workers", "captions", "ridge"}  # decide no byte of the CNN, or are paths


def train(options: ClapTrainOptions, context: Context, out: Path) -> dict[str, Any]:
    """Train the preset that `options` names into `out`; gives the figures on held-out clips."""
    if options.preset == "small":
        from aacbench.builtin.encoders.clap.train_head import train_head

        return train_head(options, context, out)
    return _train_mini(options, context, out)


def say(line: str) -> None:
    """One line of progress, where it does not mix with figures."""
    print(time.strftime("%H:%M:%S"), line, file=sys.stderr, flush=True)


def _train_mini(options: ClapTrainOptions, context: Context, out: Path) -> dict[str, Any]:
    labels = tuple(sound_classes())
    space = text_space(context.device)
    folder = options.cache or out / "sound"
    sets = [context.build("datasets", f"{name}(cache=false)") for name in DOMAINS]
    limit, workers = options.limit, options.workers
    learnt = gather([(one, "train") for one in sets], labels, space, folder, limit, workers, say)
    training.seed_everything(options.seed)
    model = MiniEars(Shape(options.channels, options.hidden, options.head, labels))
    say(f"{sum(p.numel() for p in model.parameters()):,} weights, {len(learnt)} clips")
    report = training.fit(
        model,
        train_mini.draws(learnt, len(labels), options.batch_size, options.seed),
        train_mini.loss_of(options),
        _settings(options),
        out,
        report=context.report,
        device=context.device,
    )
    model.cpu()
    weights = out / "clap-mini.safetensors"
    digest = training.save_weights(_ordered(model), weights, config_of(model.shape))
    training.forget(out)
    prompts = space.embed([PROMPT.format(label.replace("_", " ")) for label in labels])
    figures: dict[str, dict[str, float]] = {}
    for name, one in zip(DOMAINS, sets, strict=True):
        held_out = gather([(one, "validation")], labels, space, folder, limit, workers, say)
        figures[name] = train_mini.validate(model, held_out, prompts, labels)
        say(f"{name}/validation {json.dumps(figures[name])}")
    write_card(out / "clap-mini.md", "mini", digest, options, figures, report.seconds)
    return {"weights": str(weights), "sha256": digest, **figures}


def _settings(options: ClapTrainOptions) -> training.FitSettings:
    return training.FitSettings(
        steps=options.steps,
        learning_rate=options.learning_rate,
        warmup=min(options.warmup, options.steps),
        weight_decay=options.weight_decay,
        seed=options.seed,
    )


def _ordered(model: MiniEars) -> dict[str, torch.Tensor]:
    """The weights in the plain memory order, so that equal weights give equal bytes."""
    return {name: tensor.contiguous() for name, tensor in model.state_dict().items()}


def write_card(
    path: Path,
    preset: str,
    digest: str,
    options: ClapTrainOptions,
    figures: Mapping[str, Mapping[str, Any]],
    seconds: float,
) -> None:
    """The card beside the weights, from its template."""
    given = options.model_dump(mode="json", exclude=UNTOLD)
    plain = ClapTrainOptions(preset=options.preset).model_dump(mode="json")
    flags = " ".join(
        f"--{name.replace('_', '-')} {value}"
        for name, value in given.items()
        if value != plain[name]
    )
    template = files(__package__).joinpath(f"card-{preset}.md").read_text(encoding="utf-8")
    path.write_text(
        Template(template).substitute(
            command=f"aacbench train clap --preset {preset} {flags}".strip(),
            sha256=digest,
            seconds=f"{seconds:.0f}",
            torch=torch.__version__,
            threads=torch.get_num_threads(),
            table=_table(figures),
            options=json.dumps(given, sort_keys=True),
            seed=options.seed,
            labels=len(sound_classes()),
        ),
        encoding="utf-8",
    )


def _table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """One column a data set; a figure that it has no clips for is a dash."""
    columns = list(figures)
    names = dict.fromkeys(name for column in columns for name in figures[column])
    rows = ["| figure | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name in names:
        known = (figures[column].get(name) for column in columns)
        cells = ("-" if value is None else f"{value:.4g}" for value in known)
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)
