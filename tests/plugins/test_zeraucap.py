"""`zeraucap`: keywords of a sound in the prompt, and candidates weighed by the encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from zeroshot_oracle import Oracle

from aacbench.errors import BadData, BadOption
from aacbench.testing import check_captioner
from aacbench.types import Clip, GuidableCaptioner
from aacbench.workshop import Workshop
from aacbench_zeroshot.keywords import Keywords, listed, read_keywords
from aacbench_zeroshot.options import ZeraucapOptions

pytestmark = pytest.mark.usefixtures("alone")

QUICK = {
    "candidates": 10,
    "max_tokens": 3,
    "beta": 2,
    "sharpness": 30,
    "count": 3,
    "least": 0.3,
}


@pytest.fixture(scope="module")
def workshop(alone: None) -> Workshop:
    return Workshop()


@pytest.fixture(scope="module")
def boxes(workshop: Workshop) -> list[Clip]:
    """Validation clips of soundbox."""
    return list(workshop.build("datasets", "soundbox-events").clips("validation")[:7])


def inside(folder: Path, **more: Any) -> str:
    given = {"weights": folder, "encoder": "clap:mini", "context": "''", **QUICK, **more}
    return "zeraucap(" + ", ".join(f"{name}={value}" for name, value in given.items()) + ")"


def zeraucap(workshop: Workshop, folder: Path, **more: Any) -> Any:
    return workshop.build("captioners", inside(folder, **more))


def prompts(captioner: Any, clips: list[Clip]) -> list[str]:
    return list(captioner.prompts(clips, captioner.hear(clips)))


def test_it_says_what_the_plain_algorithm_says_token_for_token(
    workshop: Workshop, boxes: list[Clip], gpt2: Path
):
    captioner = zeraucap(workshop, gpt2)
    read = prompts(captioner, boxes)
    lengths = {len(captioner.words.encode(prompt)) for prompt in read}
    assert len(lengths) > 2, "prompts of one length would not show that padding is left out"
    with torch.no_grad():
        wanted = [Oracle(captioner).zeraucap(c, p) for c, p in zip(boxes, read, strict=True)]
    assert len(set(wanted)) > 1
    for batch in (1, 3, 7):
        starts = range(0, len(boxes), batch)
        found = [c for start in starts for c in captioner.caption(boxes[start : start + batch])]
        assert [caption.tokens for caption in found] == wanted


def test_the_encoders_opinion_brings_captions_nearer_to_their_sounds(
    workshop: Workshop, boxes: list[Clip]
):
    ears = workshop.build("encoders", "clap:mini")
    near = []
    for beta in (0, 2):
        captioner = workshop.build("captioners", f"zeraucap:mini@events(beta={beta}, max_tokens=8)")
        texts = [caption.text for caption in captioner.caption(boxes[:3])]
        near.append(float((ears.embed_audio(boxes[:3]) * ears.embed_text(texts)).sum(1).mean()))
    assert near[1] > near[0] + 0.05


def test_keywords_are_the_ears_own_tags(workshop: Workshop, boxes: list[Clip], gpt2: Path):
    captioner = zeraucap(workshop, gpt2, objects="'I hear {}. '")
    known = workshop.build("datasets", "soundbox-events").annotations("validation")
    for clip, prompt in zip(boxes, prompts(captioner, boxes), strict=True):
        assert prompt.endswith("This is a sound of")
        heard = captioner.encoder.events([clip])[0]
        surest = captioner.encoder.labels[int(heard.argmax())].replace("_", " ")
        assert surest in prompt
        assert prompt.startswith("I hear ")
    named = [
        any(e.label.replace("_", " ") in p for e in known[c.id].events)
        for c, p in zip(boxes, prompts(captioner, boxes), strict=True)
    ]
    assert np.mean(named) > 0.7


def test_where_nothing_is_sure_the_prompt_stands_alone(
    workshop: Workshop, boxes: list[Clip], gpt2: Path
):
    captioner = zeraucap(workshop, gpt2, least=1)
    assert set(prompts(captioner, boxes[:3])) == {"This is a sound of"}


def test_a_list_of_keywords_is_searched_by_likeness(workshop: Workshop, tmp_path: Path):
    (tmp_path / "words.txt").write_text("rain, hail\ndog barking\nrain\n\n", encoding="utf-8")

    class Ears:
        dim = 3

        def embed_text(self, texts: Any) -> Any:
            return np.eye(3, dtype=np.float32)[: len(texts)]

    options = ZeraucapOptions(keywords=tmp_path / "words.txt", count=2)
    keywords = Keywords(Ears(), options)
    assert keywords.names == ["rain", "hail", "dog barking"]
    assert keywords([], torch.tensor([[0.1, 0.2, 0.9]])) == [["dog barking", "hail"]]


def test_audiosets_names_are_parted_at_commas(shared_assets: Path):
    names = read_keywords("audioset")
    assert {"male speech", "man speaking", "speech"} <= set(names)
    assert len(names) == len(set(names)) > 527


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dog"], "a dog"),
        (["rain", "owl"], "rain, and an owl"),
        (["rain", "wind", "bell"], "rain, wind, and a bell"),
    ],
)
def test_keywords_are_joined_as_they_are_published(words: list[str], said: str):
    assert listed(words) == said


def test_it_keeps_the_contract_of_captioners(workshop: Workshop, gpt2: Path):
    captioner = zeraucap(workshop, gpt2, context="'Listen. '")
    assert isinstance(captioner, GuidableCaptioner)
    check_captioner(captioner)


def test_a_guide_moves_it(workshop: Workshop, boxes: list[Clip], gpt2: Path):
    guide = "guide(lookahead=0, classifier_weight=50, step_size=3, steps=2)"
    guided = workshop.build("captioners", f"{inside(gpt2)}+{guide}")
    alone = zeraucap(workshop, gpt2)
    told = guided.caption(boxes[:3])
    assert [c.tokens for c in told] != [c.tokens for c in alone.caption(boxes[:3])]
    apart = [guided.caption([clip])[0].tokens for clip in boxes[:3]]
    assert [c.tokens for c in told] == apart


def test_an_end_comes_neither_at_once_nor_never(workshop: Workshop, boxes: list[Clip], gpt2: Path):
    captioner = zeraucap(workshop, gpt2)
    state = captioner.open(boxes[:1])
    even = torch.zeros(1, captioner.words.size)
    end = captioner.words.end
    chances = [float(captioner.chosen_by(even, state, n)[0, end].exp()) for n in (0, 1, 4)]
    assert chances[0] < 1e-20
    assert chances[2] > 2 * chances[1] > 0


class Untagged:
    dim = 4

    def embed_audio(self, clips: Any) -> Any:
        return np.ones((len(clips), 4), np.float32)

    def embed_text(self, texts: Any) -> Any:
        return np.ones((len(texts), 4), np.float32)


def test_ears_without_tags_want_a_list():
    with pytest.raises(BadOption, match="gives no tags") as caught:
        Keywords(Untagged(), ZeraucapOptions(encoder="other"))
    assert "keywords=" in caught.value.hint


def test_a_list_that_is_not_there_or_empty_is_refused(tmp_path: Path):
    with pytest.raises(BadOption, match="cannot be read"):
        read_keywords(tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("\n,\n", encoding="utf-8")
    with pytest.raises(BadData, match="holds no keyword"):
        read_keywords(tmp_path / "empty.txt")


def test_keywords_need_a_place_in_the_prompt(workshop: Workshop):
    with pytest.raises(BadOption, match=r"one \{\}"):
        workshop.build("captioners", "zeraucap:mini(objects=Objects)")
