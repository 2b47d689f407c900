"""The check of guides finds what is wrong with one."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from aacbench.decoding import Prediction, Steering
from aacbench.errors import PluginFault
from aacbench.testing import check_guide


class Sound:
    """A guide as it should be."""

    steering = Steering()
    beams = 1

    def loss(self, prediction: Prediction) -> Any:
        return -prediction.log_probabilities[:, 3]


def test_a_guide_that_keeps_the_rules_passes():
    check_guide(Sound())


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("steering", None, "steering is None"),
        ("beams", 0, "beams is 0"),
        ("loss", lambda p: 0.5, r"gives \(\) for 4 rows"),
        ("loss", lambda p: p.log_probabilities, "for 4 rows"),
        ("loss", lambda p: p.log_probabilities.sum(-1) * torch.nan, "NaN or infinity"),
        ("loss", lambda p: p.log_probabilities[:, 3].detach(), "no gradient"),
        ("loss", lambda p: p.log_probabilities[:, 3] / len(p.prefixes), "beside others"),
        ("loss", lambda p: p.nothing, "raised AttributeError"),
    ],
)
def test_a_guide_that_breaks_a_rule_is_told_which(name: str, value: Any, told: str):
    guide = Sound()
    setattr(guide, name, value)
    with pytest.raises(PluginFault, match=told):
        check_guide(guide, "mine")
