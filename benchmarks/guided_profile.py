"""What guiding spends its time on, part by part, as a Markdown table.

    python benchmarks/guided_profile.py --captioner nac:mini@events --batches 1,32
    python benchmarks/guided_profile.py --guide "guide:mini(steps=1)" --tokens 12

Processor time of one thread, so that what else the machine does counts little; what is heard is
computed beforehand, and the guide remembers nothing from one column of the table to the next.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch

from aacbench import Clip
from aacbench.decoding import Decoding, Prediction, decode
from aacbench.workshop import Workshop

PLAIN = "the same captioner without a guide"
FORWARD = "language model, forward for gradients"
LAST = "language model, forward without"
AHEAD = "language model, looking ahead"
BACKWARD = "language model, backward"
SPELT = "candidates spelt out"
CLASSIFIER = "classifier"
REST = "the rest"
PARTS = (FORWARD, LAST, AHEAD, BACKWARD, SPELT, CLASSIFIER, REST)


class Meter:
    """Seconds a part; what is nested is charged to the inner part alone."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def timed(self, part: Callable[[], str], function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, charged to what `part` says when it is called."""

        def run(*given: Any, **named: Any) -> Any:
            name = part()
            self._inner.append(0.0)
            began = time.process_time()
            try:
                return function(*given, **named)
            finally:
                took = time.process_time() - began
                self.spent[name] += took - self._inner.pop()
                self._inner[-1] += took

        return run


class Metered:
    """A captioner and its guide, each of whose parts is charged for what it does."""

    beams = 1

    def __init__(self, captioner: Any, guide: Any, clips: Sequence[Clip], meter: Meter) -> None:
        self.guide, self.meter = guide, meter
        self.steering = guide.steering
        self.decoding = captioner.decoding
        with torch.no_grad():
            self._state = captioner.open(clips)
        self.tokenizer = _Words(captioner.tokenizer, meter)
        self.step = meter.timed(self._pass, captioner.step)
        self._ahead = False

    def open(self, clips: Sequence[Clip]) -> Any:
        return self._state

    def loss(self, prediction: Prediction) -> Any:
        """The guide's own, told apart from its looking ahead."""

        def complete(asked: Any, length: int) -> list[str]:
            self._ahead = bool(length)
            try:
                return prediction.complete(asked, length)
            finally:
                self._ahead = False

        metered = self.meter.timed(lambda: AHEAD if self._ahead else REST, complete)
        return self.guide.loss(replace(prediction, complete=metered))

    def _pass(self) -> str:
        if self._ahead:
            return AHEAD
        return FORWARD if torch.is_grad_enabled() else LAST


class _Words:
    def __init__(self, tokenizer: Any, meter: Meter) -> None:
        self.end, self.size, self.encode = tokenizer.end, tokenizer.size, tokenizer.encode
        for name in ("decode", "continuations"):
            if hasattr(tokenizer, name):
                setattr(self, name, meter.timed(lambda: SPELT, getattr(tokenizer, name)))


def profiled(
    captioner: Any, guide: Any, clips: Sequence[Clip], settings: Decoding
) -> tuple[dict[str, float], int]:
    """Seconds a part, and how many tokens were chosen, the ends counted."""
    meter = Meter()
    metered: Any = Metered(captioner, guide, clips, meter)
    classifier = guide.verdicts.classifier
    heard = meter.timed(lambda: CLASSIFIER, classifier.probabilities)
    back = meter.timed(lambda: BACKWARD, torch.autograd.grad)
    began = time.process_time()
    alone = decode(metered, clips, settings)
    plain = time.process_time() - began
    meter.spent.clear()
    with (
        patch.object(torch.autograd, "grad", back),
        patch.object(classifier, "probabilities", heard),
    ):
        began = time.process_time()
        found = decode(metered, clips, settings, [metered])
        took = time.process_time() - began
    spent = {part: meter.spent[part] for part in PARTS[:-1]}
    spent[REST] = took - sum(spent.values())
    tokens = chosen(found, settings)
    spent[PLAIN] = plain / chosen(alone, settings) * tokens
    return spent, tokens


def chosen(captions: Sequence[Any], settings: Decoding) -> int:
    """Tokens that were chosen: those of the captions, and the ends of those that ended."""
    return sum(min(len(caption.tokens) + 1, settings.max_tokens) for caption in captions)


def table(columns: dict[str, tuple[dict[str, float], int]]) -> str:
    """Milliseconds a token and the share of the whole, a row a part."""
    rows = [["ms a token", *columns], ["---"] * (len(columns) + 1)]
    for part in PARTS:
        row = [part]
        for spent, tokens in columns.values():
            whole = sum(spent[one] for one in PARTS)
            row.append(f"{1e3 * spent[part] / tokens:.2f} ({spent[part] / whole:.0%})")
        rows.append(row)
    sums = [(sum(spent[one] for one in PARTS), spent, n) for spent, n in columns.values()]
    rows.append(["all", *(f"{1e3 * whole / n:.2f}" for whole, _, n in sums)])
    rows.append([PLAIN, *(f"{1e3 * spent[PLAIN] / n:.2f}" for _, spent, n in sums)])
    rows.append(["times that", *(f"{whole / spent[PLAIN]:.1f}" for whole, spent, _ in sums)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Read the command line, measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captioner", default="nac:mini@events")
    parser.add_argument("--guide", default="guide:paper(classifier=audibility:mini)")
    parser.add_argument("--target", default="soundbox-events(cache=false)")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--batches", default="1,32")
    parser.add_argument("--tokens", type=int, default=24, help="the longest caption")
    given = parser.parse_args()
    torch.set_num_threads(1)
    workshop = Workshop()
    captioner = workshop.build("captioners", given.captioner)
    clips = list(workshop.build("datasets", given.target).clips(given.split))
    settings = Decoding(beams=1, max_tokens=given.tokens)
    warm = Workshop().build("guides", given.guide)
    profiled(captioner, warm, clips[-1:], settings)
    columns = {}
    for batch in map(int, given.batches.split(",")):
        guide = Workshop().build("guides", given.guide)
        columns[f"batch of {batch}"] = profiled(captioner, guide, clips[:batch], settings)
    print(f"{given.captioner} + {given.guide}, {torch.__version__}, one thread\n")
    print(table(columns))


if __name__ == "__main__":
    main()
