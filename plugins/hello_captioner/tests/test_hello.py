"""`hello` keeps the captioner's contract, and says what it hears."""

from __future__ import annotations

import numpy as np
import pytest
from hello_captioner.captioner import RATE, Hello

from aacbench import Audio, Clip
from aacbench.testing import check_captioner, check_plugin

TIME = np.arange(2 * RATE) / RATE


def heard(samples: np.ndarray, loud: float = 0.1) -> str:
    clip = Clip("clip", Audio(samples.astype(np.float32), RATE))
    return Hello(loud).caption([clip])[0].text


def test_keeps_the_contract_with_any_option() -> None:
    check_captioner(Hello(loud=0.01))
    check_captioner(Hello(loud=0.9))


def test_installed_plugin_keeps_the_contract() -> None:
    check_plugin("hello")


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (0.5 * np.sin(2 * np.pi * 4_000 * TIME), "A loud and high sound goes on steadily"),
        (0.01 * np.sin(2 * np.pi * 100 * TIME), "A quiet and low sound goes on steadily"),
        (0.5 * np.sin(2 * np.pi * 100 * TIME) * (TIME % 1 < 0.5), "comes and goes"),
        (np.zeros(RATE), "There is silence"),
    ],
)
def test_says_what_it_hears(samples: np.ndarray, words: str) -> None:
    assert words in heard(samples)


def test_option_moves_the_border_of_loud() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 100 * TIME)
    assert "loud" in heard(tone, loud=0.1)
    assert "quiet" in heard(tone, loud=0.9)
