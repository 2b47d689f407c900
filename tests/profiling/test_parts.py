"""Parameters: every module that can be reached or is called, each tensor once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from aacbench.profiling.parts import parameters, parts, recording


class Network(nn.Module):
    """A layer and its transpose, of one tensor: 12 elements."""

    def __init__(self) -> None:
        super().__init__()
        self.there = nn.Linear(3, 4, bias=False)
        self.back = nn.Linear(4, 3, bias=False)
        self.back.weight = nn.Parameter(self.there.weight.data.T.contiguous())
        self.again = nn.Linear(3, 4, bias=False)
        self.again.weight = self.there.weight

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.back(self.there(rows) + self.again(rows))


class Encoder:
    def __init__(self) -> None:
        self._ears = Network()
        self._text = nn.Embedding(10, 3)


class Captioner:
    def __init__(self, hear: Callable[..., Any] | None = None) -> None:
        self.encoder = Encoder()
        self.same = [self.encoder]
        self.hear = hear


def test_a_shared_tensor_counts_once_and_an_idle_part_is_loaded_only():
    captioner = Captioner()
    with recording() as called:
        captioner.encoder._ears(torch.randn(1, 3))
    found = parameters(captioner, called)
    assert found["parts"]["encoder.ears"] == {"parameters": 24, "buffers": 0, "used": True}
    assert found["parts"]["encoder.text"] == {"parameters": 30, "buffers": 0, "used": False}
    assert found["total"] == 24
    assert found["loaded"] == 54


def test_a_module_is_found_behind_functions_too():
    hidden, bound = nn.Linear(2, 2), nn.Linear(5, 5)

    def through(rows: torch.Tensor) -> torch.Tensor:
        return hidden(rows)

    assert set(parts(Captioner(through)).values()) >= {hidden}
    assert set(parts(Captioner(partial(bound.forward, torch.zeros(5)))).values()) >= {bound}


def test_a_module_that_is_called_from_nowhere_known_counts():
    stranger = nn.Sequential(nn.Linear(2, 2))
    with recording() as called:
        stranger(torch.zeros(2))
    found = parameters(object(), called)
    assert found["total"] == 6
    assert len(found["parts"]) == 1  # the layer inside is no part of its own


def test_a_container_without_a_forward_stands_as_what_it_holds():
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mapper = nn.Linear(2, 2)
            self.language_model = nn.Linear(3, 3)

    holder = Captioner()
    vars(holder)["model"] = Both()
    assert {"model.mapper", "model.language_model"} <= set(parts(holder))


def test_things_that_hold_each_other_come_to_an_end():
    first, second = Captioner(), Captioner()
    vars(first)["other"], vars(second)["other"] = second, first
    assert len(parts(first)) == 4
