"""`guide`: the plain algorithm as the oracle, and what goes wrong in people's hands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

import aacbench
from aacbench import catalog
from aacbench.decoding import Decoding, decode
from aacbench.errors import BadOption, PluginFault
from aacbench.types import Classifier
from aacbench.workshop import Workshop
from aacbench_guide.guide import ClassifierGuide
from aacbench_guide.options import GuideOptions

LONGEST = 24
GREEDY = Decoding(beams=1, max_tokens=LONGEST)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield Workshop()


@pytest.fixture(scope="module")
def nac(workshop: Workshop) -> Any:
    return workshop.build("captioners", "nac:mini@events")


@pytest.fixture(scope="module")
def audible(workshop: Workshop) -> Classifier:
    return workshop.build("classifiers", "audibility:mini")


def validation_clips(workshop: Workshop, count: int) -> list[aacbench.Clip]:
    dataset = workshop.build("datasets", "soundbox-events(cache=false)")
    return list(dataset.clips("validation")[:count])


def shipped(**changes: Any) -> GuideOptions:
    """The options of the preset that ships, with `changes`."""
    choice = catalog.choose("guides", "guide:mini")
    return GuideOptions(**{**choice.options.model_dump(), **changes})


# --- the oracle -----------------------------------------------------------------------------------


class Plain:
    """Shaulov et al. to the letter: one clip, one token, one step at a time, everything anew.

    Nothing is kept from one token to the next: the whole context is read again for every token,
    and every candidate of every step is turned into text and classified.
    """

    def __init__(self, nac: Any, classifier: Classifier, options: GuideOptions) -> None:
        self.model = nac.model.language_model
        self.tokenizer = nac.tokenizer
        self.classifier = classifier
        self.options = options
        self.classified: tuple[Tensor, Tensor] | None = None
        self.closest = np.inf  # the smallest gap between the two best tokens of a step

    def caption(self, prefix: Tensor) -> tuple[int, ...]:
        """Greedy, from a prefix (1, prefix, width)."""
        tokens: list[int] = []
        self.closest = np.inf
        while len(tokens) < LONGEST:
            log_p = self.next(prefix, tokens)
            if not tokens:
                log_p[self.tokenizer.end] = -torch.inf
            best, second = log_p.topk(2).values.tolist()
            self.closest = min(self.closest, best - second)
            token = int(log_p.argmax())
            if token == self.tokenizer.end:
                break
            tokens.append(token)
        return tuple(tokens)

    def next(self, prefix: Tensor, tokens: list[int]) -> Tensor:
        """Log probabilities of the next token, (vocabulary,)."""
        words = self.model.transformer.wte(torch.tensor([tokens], dtype=torch.long))
        whole = torch.cat([prefix, words], 1).detach()
        with torch.no_grad():
            plain = self.model(inputs_embeds=whole).logits[0, -1].log_softmax(-1)
            past = self.model(inputs_embeds=whole[:, :-1], use_cache=True).past_key_values
        held = [tensor for layer in past.layers for tensor in (layer.keys, layer.values)]
        moves = [torch.zeros_like(tensor) for tensor in held]
        self.classified = None
        for _ in range(self.options.steps):
            moves = [move.detach().requires_grad_() for move in moves]
            gradients = torch.autograd.grad(
                self.loss(self.read(whole, held, moves), plain, prefix, tokens), moves
            )
            moves = [
                move - self.options.step_size * gradient / self.length(gradient)
                for move, gradient in zip(moves, gradients, strict=True)
            ]
        with torch.no_grad():
            moved = self.read(whole, held, moves)
        fusion = self.options.fusion
        return (moved * fusion + plain * (1 - fusion)).log_softmax(-1)

    def length(self, gradient: Tensor) -> float:
        return max(float(gradient.norm()), self.options.norm_floor) ** self.options.norm_exponent

    def read(self, whole: Tensor, held: list[Tensor], moves: list[Tensor]) -> Tensor:
        moved = [tensor + move for tensor, move in zip(held, moves, strict=True)]
        cache = DynamicCache(list(zip(moved[::2], moved[1::2], strict=True)))
        out = self.model(inputs_embeds=whole[:, -1:], past_key_values=cache)
        return out.logits[0, -1].log_softmax(-1)

    def loss(self, log_p: Tensor, plain: Tensor, prefix: Tensor, tokens: list[int]) -> Tensor:
        if self.classified is None or self.options.rescore:
            candidates = log_p.detach().argsort(descending=True)[: self.options.candidates]
            self.classified = candidates, self.hear(prefix, tokens, candidates.tolist())
        candidates, heard = self.classified
        among = log_p[candidates]
        own = plain[candidates]
        if self.options.loss == "expectation":
            verdict = -(among.softmax(-1) * heard.clamp(min=1e-6)).sum().log()
        else:
            if self.options.loss == "target":
                target = (heard / self.options.temperature).softmax(-1)
            else:
                weighed = own + heard.clamp(min=1e-6).log() / self.options.temperature
                target = weighed.softmax(-1)
            verdict = -(target * among).sum()
        fluency = (log_p.exp() * (log_p - plain)).sum()
        return self.options.fluency_weight * fluency + self.options.classifier_weight * verdict

    def hear(self, prefix: Tensor, tokens: list[int], candidates: list[int]) -> Tensor:
        """P(label) of each candidate's caption, every one of them turned into text."""
        column = self.classifier.labels.index(self.options.label)
        found = []
        for said in self.looked_ahead(prefix, tokens, candidates):
            text = self.tokenizer.decode(said)
            heard = self.classifier.probabilities([text])[0, column] if text.strip() else 0.0
            found.append(min(self.options.enough, float(heard)))
        return torch.tensor(found)

    @torch.no_grad()
    def looked_ahead(
        self, prefix: Tensor, tokens: list[int], candidates: list[int]
    ) -> list[list[int]]:
        """How the captioner alone would end each, reading everything again for every token."""
        said = torch.tensor([[*tokens, token] for token in candidates])
        for _ in range(self.options.lookahead):
            words = self.model.transformer.wte(said)
            inputs = torch.cat([prefix.expand(len(said), -1, -1), words], 1)
            newest = self.model(inputs_embeds=inputs).logits[:, -1].argmax(-1)
            said = torch.cat([said, newest[:, None]], 1)
            if (said == self.tokenizer.end).any(1).all():
                break
        end = self.tokenizer.end
        return [row[: row.index(end)] if end in row else row for row in said.tolist()]


def prefixes(nac: Any, several: Sequence[aacbench.Clip]) -> Tensor:
    with torch.no_grad():
        return nac.open(several)


def check_against_oracle(
    nac: Any,
    classifier: Classifier,
    options: GuideOptions,
    several: Sequence[aacbench.Clip],
    batches: Sequence[int],
) -> dict[int, list[str]]:
    """Ids whose captions differ, by batch size; each must hang on a tie: two tokens whose log
    probabilities the plain algorithm itself puts closer than 1e-4."""
    guide = ClassifierGuide(classifier, options)
    plain = Plain(nac, classifier, options)
    heard = Remembered(nac, several)
    expected, closest = [], []
    for clip in several:
        expected.append(plain.caption(heard.open([clip])))
        closest.append(plain.closest)
    ties: dict[int, list[str]] = {}
    for size in batches:
        found = []
        for start in range(0, len(several), size):
            found += decode(heard, several[start : start + size], GREEDY, [guide])
        differing = [
            number
            for number, (caption, tokens) in enumerate(zip(found, expected, strict=True))
            if caption.tokens != tokens
        ]
        for number in differing:
            assert closest[number] < 1e-4, (size, several[number].id, found[number].text)
        ties[size] = [several[number].id for number in differing]
    return ties


class Remembered:
    """The captioner, with its prefixes computed once: what is heard is not what is tested here."""

    def __init__(self, nac: Any, several: Sequence[aacbench.Clip]) -> None:
        self.nac = nac
        self.tokenizer = nac.tokenizer
        self.decoding = nac.decoding
        made = torch.cat([prefixes(nac, several[i : i + 16]) for i in range(0, len(several), 16)])
        self.prefixes = {clip.id: row for clip, row in zip(several, made, strict=True)}

    def caption(self, clips: Sequence[aacbench.Clip]) -> Any:
        return decode(self, clips, self.decoding)

    def open(self, clips: Sequence[aacbench.Clip]) -> Tensor:
        return torch.stack([self.prefixes[clip.id] for clip in clips])

    def step(self, state: Any, tokens: Any, cache: Any) -> Any:
        return self.nac.step(state, tokens, cache)


@pytest.mark.slow
@pytest.mark.parametrize("number", [40, pytest.param(200, marks=pytest.mark.exhaustive)])
def test_clips_are_guided_as_the_plain_algorithm_does_in_batches_of_1_7_and_16(
    workshop: Workshop, nac: Any, audible: Classifier, number: int
):
    several = validation_clips(workshop, number)
    ties = check_against_oracle(nac, audible, shipped(), several, (1, 7, 16))
    assert all(len(ids) <= 2 for ids in ties.values()), f"captions that differ by a tie: {ties}"


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "target", "candidates": 64, "norm_exponent": 0.9, "step_size": 0.3},
        {"loss": "posterior", "temperature": 1.0},
        {"loss": "posterior", "candidates": 1},
        {"fluency_weight": 1.0, "fusion": 0.9},
    ],
    ids=str,
)
def test_every_form_of_the_loss_is_the_plain_algorithms(
    workshop: Workshop, nac: Any, audible: Classifier, changes: dict[str, Any]
):
    several = validation_clips(workshop, 8)
    ties = check_against_oracle(nac, audible, shipped(**changes), several, (1, 7))
    assert all(len(ids) <= 1 for ids in ties.values()), ties


# --- what a guide is for --------------------------------------------------------------------------


class Letters:
    """A classifier that is easily checked: the more often a letter occurs, the likelier "many"."""

    labels = ("few", "many")

    def __init__(self, letter: str = "o") -> None:
        self.letter = letter
        self.read: list[str] = []

    def probabilities(self, texts: Sequence[str]) -> Any:
        self.read.extend(texts)
        many = np.array([min(1.0, text.count(self.letter) / 8) for text in texts], np.float32)
        return np.stack([1 - many, many], 1)


def steered(nac: Any, several: Sequence[aacbench.Clip], *guides: ClassifierGuide) -> list[str]:
    return [caption.text for caption in decode(nac, several, GREEDY, guides)]


def letters(texts: list[str]) -> float:
    """How much of the texts is the letter that `Letters` looks for."""
    return sum(text.count("o") for text in texts) / sum(map(len, texts))


def test_any_classifier_drives_and_its_label_is_found_by_name(workshop: Workshop, nac: Any):
    several = validation_clips(workshop, 12)
    strong = {"step_size": 10.0, "classifier_weight": 1.0}
    more = ClassifierGuide(Letters(), shipped(label="many", **strong))
    fewer = ClassifierGuide(Letters(), shipped(label="few", **strong))

    plain = letters(steered(nac, several))
    assert letters(steered(nac, several, fewer)) < plain < letters(steered(nac, several, more))


def test_two_classifiers_that_want_opposite_things_meet_between(workshop: Workshop, nac: Any):
    several = validation_clips(workshop, 12)
    strong = {"step_size": 10.0, "classifier_weight": 1.0}
    few, many = (
        ClassifierGuide(Letters(), shipped(label=label, **strong)) for label in ("few", "many")
    )
    both = letters(steered(nac, several, few, many))
    assert letters(steered(nac, several, few)) < both < letters(steered(nac, several, many))


def test_with_weight_0_the_captions_are_the_captioners_own(workshop: Workshop, nac: Any):
    several = validation_clips(workshop, 12)
    idle = ClassifierGuide(Letters(), shipped(label="many", classifier_weight=0.0))
    assert steered(nac, several, idle) == steered(nac, several)


def test_one_candidate_leaves_nothing_to_choose(workshop: Workshop, nac: Any):
    several = validation_clips(workshop, 12)
    only = ClassifierGuide(Letters(), shipped(label="many", candidates=1, loss="expectation"))
    assert steered(nac, several, only) == steered(nac, several)


def test_more_candidates_than_words_are_all_the_words(workshop: Workshop, nac: Any):
    (clip,) = validation_clips(workshop, 1)
    classifier = Letters()
    guide = ClassifierGuide(classifier, shipped(label="many", candidates=100_000, steps=1))
    assert steered(nac, [clip], guide)[0]
    assert len(classifier.read) >= nac.tokenizer.size - 2


def test_candidates_that_make_no_text_are_not_shown_to_the_classifier(nac: Any, workshop: Workshop):
    """The end as first token, or a lone space, leaves nothing to read."""
    (clip,) = validation_clips(workshop, 1)
    classifier = Letters()
    guide = ClassifierGuide(classifier, shipped(label="many", candidates=100_000, steps=1))
    steered(nac, [clip], guide)
    assert classifier.read
    assert all(text.strip() for text in classifier.read)


def test_a_classifier_without_the_label_is_refused_by_name():
    with pytest.raises(BadOption, match="has no label 'audible'"):
        ClassifierGuide(Letters(), shipped())


@pytest.mark.parametrize("value", [np.nan, 1.5, -0.1])
def test_a_classifier_that_gives_no_probability_is_refused_with_the_text(
    workshop: Workshop, nac: Any, value: float
):
    class Ill(Letters):
        def probabilities(self, texts: Sequence[str]) -> Any:
            return np.full((len(texts), 2), value, np.float32)

    guide = ClassifierGuide(Ill(), shipped(label="many", classifier="mine"))
    with pytest.raises(PluginFault, match=r"'mine' gave .* as the probability that '.+'"):
        steered(nac, validation_clips(workshop, 1), guide)


def test_a_classifier_that_gives_another_number_of_rows_is_refused(workshop: Workshop, nac: Any):
    class Short(Letters):
        def probabilities(self, texts: Sequence[str]) -> Any:
            return super().probabilities(texts)[:-1]

    guide = ClassifierGuide(Short(), shipped(label="many"))
    with pytest.raises(PluginFault, match="were due"):
        steered(nac, validation_clips(workshop, 1), guide)


# --- as people type it ----------------------------------------------------------------------------


def test_the_plugin_keeps_its_contract():
    from aacbench.testing import check_guide

    check_guide(ClassifierGuide(Letters(), shipped(label="many")))


def test_a_captioner_without_the_protocol_is_refused_by_name(workshop: Workshop):
    with pytest.raises(BadOption, match="'frequent' cannot be guided by 'guide'"):
        workshop.build("captioners", "frequent@soundbox-events+guide")


def test_an_expression_joins_captioner_and_guides(workshop: Workshop):
    joined = workshop.build("captioners", "nac:mini@events+guide+guide(label=inaudible)")
    (clip,) = validation_clips(workshop, 1)
    assert joined.caption([clip])[0].text
    assert [guide.column for guide in joined.guides] == [0, 1]


def test_what_guided_a_caption_is_among_its_models(workshop: Workshop):
    models = catalog.models(catalog.choose("captioners", "nac:mini@events+guide"))
    assert "classifiers:builtin/audibility:mini" in models
    assert "guides:guide/guide:mini" in models


def test_a_killed_run_goes_on_and_prints_what_an_unbroken_one_does(tmp_path: Path):
    settings = {"target": "soundbox-events@validation(cache=false)", "batch_size": 4}
    whole = aacbench.run("nac:mini@events+guide", limit=8, out=tmp_path / "whole", **settings)
    first = aacbench.run("nac:mini@events+guide", limit=4, out=tmp_path / "parts", **settings)
    second = aacbench.run("nac:mini@events+guide", limit=8, out=tmp_path / "parts", **settings)
    assert first == second

    def texts(folder: Path) -> dict[str, str]:
        from aacbench.store import RunFolder

        records = RunFolder(folder).records()
        return {name: r.caption.text for name, r in records.items() if r.caption is not None}

    assert texts(second) == texts(whole)
    assert len(texts(whole)) == 8
