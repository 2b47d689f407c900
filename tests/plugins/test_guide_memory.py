"""What `guide` remembers of its classifier, and the terms of its loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch

import aacbench
from aacbench.decoding import Decoding, decode
from aacbench.workshop import Workshop
from aacbench_guide import verdicts
from aacbench_guide.guide import ClassifierGuide
from aacbench_guide.options import GuideOptions
from aacbench_guide.terms import cross_entropy, divergence
from aacbench_guide.verdicts import Verdicts

SHORT = Decoding(beams=1, max_tokens=6)
AS_PUBLISHED = GuideOptions(label="many", candidates=64, step_size=3.0)


class Vowels:
    """The more vowels, the likelier "many"; counts how often it was asked about each text."""

    labels = ("few", "many")

    def __init__(self) -> None:
        self.asked: list[str] = []

    def probabilities(self, texts: Sequence[str]) -> Any:
        self.asked += texts
        many = [sum(text.count(v) for v in "aeiou") / (1 + len(text)) for text in texts]
        return np.array([[1 - one, one] for one in many], np.float32)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield Workshop()


@pytest.fixture(scope="module")
def nac(workshop: Workshop) -> Any:
    return workshop.build("captioners", "nac:mini@events")


@pytest.fixture(scope="module")
def several(workshop: Workshop) -> list[aacbench.Clip]:
    dataset = workshop.build("datasets", "soundbox-events(cache=false)")
    return list(dataset.clips("validation")[:8])


def tokens_of(nac: Any, clips: Sequence[Any], guide: ClassifierGuide) -> list[tuple[int, ...]]:
    return [caption.tokens for caption in decode(nac, clips, SHORT, [guide])]


def test_each_text_is_asked_about_once_over_steps_tokens_and_clips(nac: Any, several: list[Any]):
    classifier = Vowels()
    guide = ClassifierGuide(classifier, AS_PUBLISHED)
    first = tokens_of(nac, several, guide)
    assert len(classifier.asked) == len(set(classifier.asked)) > 64
    before = len(classifier.asked)
    assert tokens_of(nac, several, guide) == first
    assert len(classifier.asked) == before


@pytest.mark.parametrize("remembered", [0, 50, 100_000])
def test_what_is_remembered_changes_no_caption(
    nac: Any, several: list[Any], remembered: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(verdicts, "REMEMBERED", remembered)
    one = ClassifierGuide(Vowels(), AS_PUBLISHED)
    together = tokens_of(nac, several, one)
    assert tokens_of(nac, several[::-1], one)[::-1] == together
    fresh = [tokens_of(nac, [c], ClassifierGuide(Vowels(), AS_PUBLISHED))[0] for c in several]
    assert fresh == together
    assert together != [caption.tokens for caption in decode(nac, several, SHORT)]


def test_the_oldest_texts_are_forgotten_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verdicts, "REMEMBERED", 10)
    classifier = Vowels()
    heard = Verdicts(classifier, "vowels", "many")
    for number in range(60):
        heard.of([f"text {number}", "often asked"])
    assert len(heard._recent) + len(heard._older) < 30
    assert classifier.asked.count("often asked") == 1
    assert heard.of(["text 59"]) == pytest.approx([1 / 8])
    heard.of(["text 0"])
    assert classifier.asked.count("text 0") == 2
    assert classifier.asked.count("text 59") == 1


def test_texts_come_back_in_their_order_and_those_without_words_have_none_of_the_label():
    heard = Verdicts(Vowels(), "vowels", "many")
    found = heard.of(["aaa", "", "bbb", "aaa", "  "])
    assert found == pytest.approx([0.75, 0.0, 0.0, 0.75, 0.0])


def test_a_step_after_the_first_asks_about_new_candidates_alone(nac: Any, several: list[Any]):
    """Chosen anew at every step, but mostly the same."""
    asked: list[int] = []

    class Watching(Vowels):
        def probabilities(self, texts: Sequence[str]) -> Any:
            asked.append(len(texts))
            return super().probabilities(texts)

    guide = ClassifierGuide(Watching(), AS_PUBLISHED)
    decode(nac, several[:1], Decoding(beams=1, max_tokens=1), [guide])
    assert asked[0] >= 60
    assert sum(asked[1:]) < asked[0]


# --- terms of the loss ----------------------------------------------------------------------------


def test_the_divergences_gradient_is_that_of_its_definition():
    torch.manual_seed(0)
    scores = torch.randn(3, 40, dtype=torch.float64, requires_grad=True)
    plain = torch.randn(3, 40, dtype=torch.float64).log_softmax(-1)
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)

    def gradient(term: Any) -> tuple[torch.Tensor, torch.Tensor]:
        found = term(scores.log_softmax(-1), plain)
        return found.detach(), torch.autograd.grad((found * weights).sum(), scores)[0]

    ours, ours_gradient = gradient(divergence)
    theirs, theirs_gradient = gradient(lambda p, q: (p.exp() * (p - q)).sum(-1))
    assert torch.allclose(ours, theirs)
    assert torch.allclose(ours_gradient, theirs_gradient)
    assert torch.allclose(
        ours,
        torch.nn.functional.kl_div(
            plain, scores.log_softmax(-1), reduction="none", log_target=True
        ).sum(-1),
    )


@pytest.mark.parametrize("term", [divergence, cross_entropy])
def test_words_that_cannot_be_said_cost_nothing_and_pull_nowhere(term: Any):
    torch.manual_seed(1)
    scores = torch.randn(2, 10)
    mask = torch.zeros(10, dtype=torch.bool)
    mask[[3, 7]] = True
    scores = scores.masked_fill(mask, -torch.inf).requires_grad_()
    plain = torch.randn(2, 10).masked_fill(mask, -torch.inf).log_softmax(-1)
    found = term(scores.log_softmax(-1), plain)
    (gradient,) = torch.autograd.grad(found.sum(), scores)
    assert torch.isfinite(gradient).all()
    assert torch.equal(gradient[:, mask], torch.zeros(2, 2))
    kept = scores.detach()[:, ~mask]
    assert torch.allclose(found, term(kept.log_softmax(-1), plain[:, ~mask]), atol=1e-6)


@pytest.mark.parametrize("loss", ["target", "posterior", "expectation"])
@pytest.mark.parametrize("fluency", ["kl", "cross_entropy"])
def test_a_guide_bears_words_that_the_captioner_forbids(
    nac: Any, several: list[Any], loss: Any, fluency: Any
):
    """More candidates than words that may be said: the rest must not become a loss of infinity."""
    options = AS_PUBLISHED.model_copy(
        update={"loss": loss, "fluency": fluency, "candidates": 10**6}
    )

    class Laconic:
        tokenizer, decoding, open = nac.tokenizer, nac.decoding, nac.open

        def caption(self, clips: Any) -> Any:
            return decode(self, clips, self.decoding)

        def step(self, state: Any, tokens: Any, cache: Any) -> Any:
            step = nac.step(state, tokens, cache)
            rare = torch.arange(step.scores.shape[-1]) % 3 == 1
            return type(step)(step.scores.masked_fill(rare, -torch.inf), step.cache)

    found = decode(Laconic(), several[:2], SHORT, [ClassifierGuide(Vowels(), options)])
    assert all(caption.tokens for caption in found)
    assert not any(token % 3 == 1 for caption in found for token in caption.tokens)
