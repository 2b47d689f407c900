"""Operations as one counts them by hand, in the stage that they belong to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from aacbench.profiling.flops import count, counting
from aacbench.timing import stage


def counted(work: Callable[[], object]) -> int:
    with counting() as (heard, uncounted):
        work()
    assert not uncounted
    return int(sum(heard.spent.values()))


def test_a_small_network_counts_as_by_hand():
    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    with torch.inference_mode():
        assert counted(lambda: network(torch.randn(4, 3))) == 2 * 4 * (3 * 5 + 5 * 2)


def test_a_convolution_counts_as_by_hand():
    network = nn.Conv2d(2, 3, kernel_size=5, stride=2)
    # 6 x 6 places, 3 maps, each of 2 x 5 x 5 products
    assert counted(lambda: network(torch.randn(1, 2, 15, 15))) == 2 * 6 * 6 * 3 * 2 * 5 * 5


@pytest.mark.parametrize("learning", [False, True])
def test_attention_on_a_processor_counts(learning: bool):
    heads, asked, known, width = 4, 7, 10, 16
    query = torch.randn(1, heads, asked, width, requires_grad=learning)
    key = torch.randn(1, heads, known, width, requires_grad=learning)
    product = 2 * heads * asked * known * width

    def work() -> None:
        given = nn.functional.scaled_dot_product_attention(query, key, key)
        if learning:
            torch.autograd.grad(given.sum(), (query, key))

    # Backwards: the scores again, and the gradients of scores, values, queries and keys.
    assert counted(work) == (2 + 5 if learning else 2) * product


def test_a_transformer_layer_that_torch_would_fuse_counts():
    width, inner, rows = 16, 32, 5
    layer = nn.TransformerEncoderLayer(width, 4, inner, batch_first=True).eval()
    projections = 2 * rows * (4 * width * width + 2 * width * inner)
    attention = 2 * 2 * rows * rows * width
    with torch.inference_mode():
        assert counted(lambda: layer(torch.randn(1, rows, width))) == projections + attention


def test_operations_belong_to_their_stage_and_clips_are_averaged():
    layer = nn.Linear(8, 8)

    def once(number: int) -> None:
        with stage("encode"):
            layer(torch.randn(1, 8))
        with stage("generate"):
            layer(torch.randn(1 + 2 * number, 8))

    found = count(once, 2)
    assert found["stages"]["encode"] == 2 * 64
    assert found["stages"]["generate"] == 2 * 64 * 2  # the mean of one row and three
    assert found["total"] == 2 * 64 * 3
    assert "FlopCounterMode" in found["method"]


def test_what_looks_like_a_product_and_is_not_counted_is_named():
    lstm = nn.LSTM(4, 8, batch_first=True).eval()
    with torch.inference_mode():
        found = count(lambda _: lstm(torch.randn(1, 3, 4)), 1)
    products = 3 * 2 * 4 * 8 * (4 + 8)
    assert found["total"] == products or any("lstm" in name for name in found["uncounted"])
