"""Milliseconds a token of guided decoding at a paper's size, on a GPU or on whatever is there.

    python benchmarks/guided_device.py --device cuda --batches 1,8,64
    python benchmarks/guided_device.py --device cuda --captioner nac:small@clotho --dtype bfloat16
    python benchmarks/guided_device.py --layers 2 --width 64 --batches 1,2 --tokens 4 --candidates 8

Without ``--captioner`` the language model is GPT-2 of 124 million random weights (its vocabulary is
SmolLM2's, of about the same length, which is a real one), after a random prefix of 40 positions,
and the classifier DistilBERT of 66 million random weights over BERT's word pieces: what a token
costs does not depend on what the weights say. Wall time, the device waited for; the first of each
is not counted. The plain algorithm (`tests/support/plain_guide.py`) is timed at one place of one
clip, on the same device.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
)

from aacbench.builtin.classifiers.paper import TransformerClassifier
from aacbench.builtin.encoders.clap.text_space import text_space
from aacbench.decoding import Decoding, decode
from aacbench.language_models import ModelWords, find_folder
from aacbench.types import Caption, Clip, Step
from aacbench.workshop import Workshop
from aacbench_guide.guide import ClassifierGuide
from aacbench_guide.options import GuideOptions

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
from plain_guide import Plain

PREFIX = 40


class Prefixed:
    """A `GuidableCaptioner` that goes on from random vectors."""

    def __init__(self, model: Any, words: Any, longest: int) -> None:
        self.model = model
        self.tokenizer = words
        self.decoding = Decoding(beams=1, max_tokens=longest, min_tokens=longest)

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return decode(self, clips, self.decoding)

    def open(self, clips: Sequence[Clip]) -> Tensor:
        weight = self.model.get_input_embeddings().weight
        random = torch.Generator().manual_seed(0)
        shape = (len(clips), PREFIX, weight.shape[1])
        return (torch.randn(shape, generator=random) * 0.1).to(weight)

    def step(self, state: Tensor, tokens: Tensor | None, cache: Any) -> Step:
        read = {"input_ids": tokens}
        if tokens is None:
            read = {"inputs_embeds": state if cache is None else state[:, -1:]}
        out = self.model(**read, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return Step(out.logits[:, -1], out.past_key_values)


def random_parts(given: argparse.Namespace) -> tuple[Any, Any]:
    """(captioner, classifier) of random weights."""
    torch.manual_seed(0)
    words = ModelWords.read(find_folder("smollm2-135m"))
    layers, width = given.layers, given.width
    heads = max(1, width // 64)
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=words.size,
            n_layer=layers,
            n_embd=width,
            n_head=heads,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
    model = model.eval().requires_grad_(False).to(given.device, getattr(torch, given.dtype))
    pieces: Any = text_space("cpu")
    tokenizer = pieces._model.tokenizer
    reader = DistilBertForSequenceClassification(
        DistilBertConfig(
            n_layers=max(1, layers // 2), dim=width, hidden_dim=4 * width, n_heads=heads
        )
    )
    classifier = TransformerClassifier(reader, tokenizer, ("audible", "inaudible"), given.device)
    return Prefixed(model, words, given.tokens), classifier


def named_parts(given: argparse.Namespace) -> tuple[Any, Any]:
    """(captioner, classifier) by their expressions, fed with random vectors in place of sounds."""
    workshop = Workshop(given.device)
    nac = workshop.build("captioners", given.captioner)
    model = nac.model.language_model.to(getattr(torch, given.dtype))
    return (
        Prefixed(model, nac.tokenizer, given.tokens),
        workshop.build("classifiers", given.classifier),
    )


def timed(device: str, work: Callable[[], Any]) -> float:
    """Seconds, all that the device was asked to do included."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    began = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> None:
    """Read the command line, measure, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--captioner", help="a nac over a language model; default: random GPT-2")
    parser.add_argument("--classifier", default="audibility:mini", help="with --captioner")
    parser.add_argument("--batches", default="1,8,64")
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--steps", default="1,3,5")
    parser.add_argument("--candidates", type=int, default=512)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    given = parser.parse_args()
    captioner, classifier = (named_parts if given.captioner else random_parts)(given)
    print("| batch | steps | ms a token | a clip's share |\n|---|---|---|---|")
    for batch in map(int, given.batches.split(",")):
        clips = [Clip(str(number), None) for number in range(batch)]
        decode(captioner, clips, Decoding(beams=1, max_tokens=2))
        alone = timed(given.device, lambda clips=clips: captioner.caption(clips)) / given.tokens
        print(f"| {batch} | unguided | {1e3 * alone:.2f} | {1e3 * alone / batch:.3f} |")
        for steps in map(int, given.steps.split(",")):
            options = GuideOptions(steps=steps, candidates=given.candidates)
            work = decode_with(captioner, clips, ClassifierGuide(classifier, options))
            took = timed(given.device, work) / given.tokens
            print(
                f"| {batch} | {steps} | {1e3 * took:.2f} | {1e3 * took / batch:.3f} |", flush=True
            )
    options = GuideOptions(candidates=given.candidates)
    plain = Plain(captioner.model, captioner.tokenizer, classifier, options)
    said = captioner.caption(clips[:1])[0].tokens[: given.tokens // 2]
    prefix = captioner.open(clips[:1])
    took = timed(given.device, lambda: plain.next(prefix, list(said)))
    print(f"| 1 | {options.steps}, the plain algorithm | {1e3 * took:.0f} | |")


def decode_with(captioner: Any, clips: Sequence[Clip], guide: ClassifierGuide) -> Callable[[], Any]:
    """The work of guiding these clips."""
    return lambda: decode(captioner, clips, captioner.decoding, [guide])


if __name__ == "__main__":
    main()
