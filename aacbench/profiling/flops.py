"""Floating-point operations of captioning, stage by stage, as torch's FlopCounterMode counts them.

It counts matrix products, convolutions and attention, a multiply-add as two, forwards and
backwards; and nothing else: no element-wise function, no table look-up, no Fourier transform, and
nothing that torch does not do (resampling, classifiers in numpy). What looks like a product and is
not counted is named.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import new_class
from typing import Any

from aacbench.timing import Listener, listening

METHOD = (
    "torch.utils.flop_counter.FlopCounterMode: matrix products, convolutions and attention, a "
    "multiply-add as two; element-wise functions, look-ups, Fourier transforms and all that torch "
    "does not compute are not counted"
)
Shape = Sequence[int]
LIKE_A_PRODUCT = re.compile(
    r"attention|[._](?<!upsample_)(bi)?linear|matmul|mm$|convol|rnn|lstm|gru|transformer"
)


@contextmanager
def counting() -> Iterator[tuple[Listener, set[str]]]:
    """Listen to stages with operations for a meter; the set gets what is not counted, by name."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False, custom_mapping=_attention_on_processors())
    uncounted: set[str] = set()
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # a whole layer in one operation is not counted
    try:
        with counter, _watching(counter, uncounted), listening(counter.get_total_flops) as heard:
            yield heard, uncounted
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def _attention_on_processors() -> dict[Any, Any]:
    """torch counts attention's kernels for GPUs; those for processors do the same work: two
    products forwards, five backwards, where the scores are computed again."""
    import torch

    def product(query: Shape, key: Shape, width: int) -> int:
        return 2 * math.prod(query[:-1]) * key[-2] * width

    def forward(query: Shape, key: Shape, value: Shape, *_: Any, **__: Any) -> int:
        return product(query, key, query[-1]) + product(query, key, value[-1])

    def backward(_: Shape, query: Shape, key: Shape, value: Shape, *__: Any, **___: Any) -> int:
        return 3 * product(query, key, query[-1]) + 2 * product(query, key, value[-1])

    return {
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: forward,
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: backward,
    }


def _watching(counter: Any, uncounted: set[str]) -> Any:
    """Writes down operations that look like products and that the counter knows nothing of."""
    from torch.utils._python_dispatch import TorchDispatchMode

    def dispatched(_: Any, func: Any, __: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = counter.get_total_flops()
        given = func(*args, **(kwargs or {}))
        name = str(getattr(func, "overloadpacket", func))
        if LIKE_A_PRODUCT.search(name) and counter.get_total_flops() == before:
            uncounted.add(name)
        return given

    body = {"__torch_dispatch__": dispatched}
    return new_class("Watching", (TorchDispatchMode,), {}, lambda space: space.update(body))()


def count(once: Callable[[int], object], clips: int) -> dict[str, Any]:
    """Mean operations a clip over `clips` calls, whole and by stage; a stage in which none were
    counted has None."""
    sums: dict[str, float] = {}
    missed: set[str] = set()
    for number in range(clips):
        with counting() as (heard, uncounted):
            once(number)
        missed |= uncounted
        for name, spent in heard.spent.items():
            sums[name] = sums.get(name, 0) + spent / clips
    return {
        "total": sum(sums.values()) or None,
        "stages": {name: spent or None for name, spent in sums.items()},
        "clips": clips,
        "method": METHOD,
        "uncounted": sorted(missed),
    }
