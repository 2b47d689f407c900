"""Key and value caches of language models: taken apart, put together, and picked from by rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer, EncoderDecoderCache

from aacbench.errors import PluginFault

Pairs = list[tuple[Tensor, Tensor]]  # each layer's keys and values, (rows, heads, length, width)


def _layer(keys: Tensor, values: Tensor) -> DynamicLayer:
    """One that holds them as they are, where ``DynamicCache(pairs)`` would copy."""
    layer = DynamicLayer()
    layer.keys, layer.values = keys, values
    layer.dtype, layer.device = keys.dtype, keys.device
    layer.is_initialized = True
    return layer


def tensors_of(cache: Any) -> list[Tensor]:
    """Each layer's keys, then its values, (rows, heads, length, width), first layer first."""
    return [t for layer in _own_attention(cache).layers for t in (layer.keys, layer.values)]


def before_newest(cache: Any) -> Pairs:
    """Keys and values of everything but the last position, each layer's (rows, heads, n, width)."""
    return paired([tensor[..., :-1, :] for tensor in tensors_of(cache)])


def paired(tensors: Sequence[Tensor]) -> Pairs:
    """Keys and values of each layer, from the order of `tensors_of`."""
    return list(zip(tensors[::2], tensors[1::2], strict=True))


def rebuilt(cache: Any, pairs: Pairs) -> Any:
    """A cache like `cache` that holds `pairs`: reading a token appends to it, not to `cache`."""
    fresh = DynamicCache()
    fresh.layers.extend(_layer(keys, values) for keys, values in pairs)
    if isinstance(cache, EncoderDecoderCache):
        return EncoderDecoderCache(fresh, cache.cross_attention_cache)
    return fresh


def selected(cache: Any, rows: Tensor) -> Any:
    """A cache of its own with these rows of `cache`, in this order and as often."""
    if isinstance(cache, EncoderDecoderCache):
        across = _rows_of(cache.cross_attention_cache, rows)
        return EncoderDecoderCache(_rows_of(cache.self_attention_cache, rows), across)
    return _rows_of(_own_attention(cache), rows)


def _rows_of(cache: DynamicCache, rows: Tensor) -> DynamicCache:
    picked = [tensor.index_select(0, rows) for tensor in tensors_of(cache)]
    return rebuilt(cache, paired(picked))


def select(state: Any, index: Tensor) -> Any:
    """Rows of a captioner's state, a tensor or a tuple of them."""
    if isinstance(state, Tensor):
        return state.index_select(0, index.to(state.device))
    return tuple(select(part, index) for part in state)


def device_of(state: Any) -> torch.device:
    """Where a captioner's state lies."""
    return state.device if isinstance(state, Tensor) else device_of(state[0])


def _own_attention(cache: Any) -> DynamicCache:
    own = cache.self_attention_cache if isinstance(cache, EncoderDecoderCache) else cache
    if not isinstance(own, DynamicCache):
        raise PluginFault(
            f"a cache of the kind {type(own).__name__} cannot be moved by a guide.",
            "Guides need the captioner's step to give transformers' DynamicCache.",
        )
    return own
