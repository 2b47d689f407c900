"""Captions by chance, as public code draws them: four beams, each continued by a random token of
the likeliest that together have `top_p` of the probability.

A clip's random numbers come from the seed and the clip alone, so the batch does not matter.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from aacbench.provenance import identity
from aacbench.types import Caption, Clip
from aacbench_p2p.raft.options import RaftOptions
from aacbench_p2p.raft.words import Words


def sampled(
    language_model: Any,
    words: Words,
    opened: Callable[[], tuple[Tensor, Tensor]],
    clip: Clip,
    options: RaftOptions,
    beams: int,
) -> Caption:
    """One clip's caption; `opened` gives its prefix, (1, length, width)."""
    began = time.perf_counter()
    prefix, counts = opened()
    heard = time.perf_counter()
    digest = hashlib.sha256(f"{options.seed}\t{identity(clip)}".encode("utf-8", "surrogatepass"))
    with torch.random.fork_rng(devices=[prefix.device] if prefix.is_cuda else []):
        torch.manual_seed(int.from_bytes(digest.digest()[:7], "big"))
        tokens = language_model.generate(
            inputs_embeds=prefix,
            attention_mask=counts.long(),
            num_beams=beams,
            do_sample=True,
            top_p=options.top_p,
            top_k=0,
            temperature=1.0,
            repetition_penalty=options.repetition_penalty,
            max_new_tokens=options.max_tokens,
            min_new_tokens=options.min_tokens,
            length_penalty=options.length_penalty,
            eos_token_id=words.end,
            pad_token_id=words.end,
        )[0].tolist()
    said = tuple(tokens[: tokens.index(words.end)] if words.end in tokens else tokens)
    stages = {"encode": heard - began, "decode": time.perf_counter() - heard}
    return Caption(words.decode(said), said, stages=stages)
