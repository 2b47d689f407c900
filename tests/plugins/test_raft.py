"""`raft` at work, with real parts: what it reads, what it says, and the weights that ship."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from raft_parts import (
    clips,
    encoder,
    lesson,
    mini,
    options,
    pairs,
    raft,
    some,
    trained,
    words,
    workshop,
)

from aacbench.errors import BadData, BadOption
from aacbench.types import Clip, Example, ExampleCaptioner, GuidableCaptioner
from aacbench.workshop import Workshop
from aacbench_p2p.raft.batches import Batches
from aacbench_p2p.raft.captioner import Raft
from aacbench_p2p.raft.hearing import Hearing
from aacbench_p2p.raft.layout import HEARD, LONG, UNTAUGHT, Layout
from aacbench_p2p.raft.lesson import Lesson
from aacbench_p2p.raft.options import RaftArchitecture, RaftOptions
from aacbench_p2p.raft.train import plan
from aacbench_p2p.raft.words import LearntWords

__all__ = ["clips", "encoder", "lesson", "mini", "pairs", "raft", "trained", "words", "workshop"]


# --- how lines are laid out -------------------------------------------------------------------


def laid(words: LearntWords, loss: str = "last", **prompts: str) -> Layout:
    return Layout(RaftArchitecture(**prompts), words, loss)


def test_the_nearest_example_stands_next_to_the_sound_to_caption(words: LearntWords):
    near, far = words.encode("a dog barks"), words.encode("rain falls")
    line = laid(words).prefix([2, 2, 2], [near, far], [False, False, False])
    heard = [HEARD, HEARD]
    assert line.tokens == [words.start, *heard, *far, *heard, *near, *heard]


def test_prompts_stand_where_public_code_has_them(words: LearntWords):
    prompts = {"examples_prompt": "wind", "task_prompt": "rain", "caption_prompt": "hail"}
    wind, rain, hail = (words.encode(text) for text in prompts.values())
    layout = laid(words, **prompts)
    dog = words.encode("a dog")
    assert layout.prefix([1, 1], [dog], [False, True]).tokens == [
        *[words.start, *wind, LONG, HEARD, *dog],
        *[*rain, HEARD, *hail],
    ]
    alone = layout.prefix([1], [], [False]).tokens
    assert alone == [words.start, *rain, HEARD, *hail], "no examples, no prompt for them"


@pytest.mark.parametrize("loss", ["last", "all"])
def test_the_loss_asks_for_the_last_caption_alone_or_for_every_one(words: LearntWords, loss: str):
    near, far, own = (words.encode(t) for t in ("a dog barks", "rain falls", "a cat meows"))
    line = laid(words, loss).whole([1, 1, 1], [near, far], [False] * 3, own)
    asked = [token for token in line.taught if token != UNTAUGHT]
    everything = [*far, *near, *own, words.end]
    assert asked == (everything if loss == "all" else [*own, words.end])
    assert all(t in (UNTAUGHT, token) for t, token in zip(line.taught, line.tokens, strict=True))


def test_the_loss_is_the_mean_cross_entropy_of_what_is_asked_for(
    raft: Raft, lesson: Lesson, encoder: Any
):
    """Equation 1, token by token, over lines that were padded."""
    hearing = Hearing(encoder, "clap:mini", raft.model.shape)
    stage = plan(options(tune_batch=3, fewest_shots=2), 9, 9, True)[2]
    drawn = Batches(stage, lesson, raft.tokenizer, options(), hearing).draw(1)
    model = raft.model
    terms = []
    with torch.no_grad():
        loss = float(model.loss(drawn.tokens, drawn.taught, drawn.sounds, drawn.shown))
        embedded = model.embed(drawn.tokens, model.hear(drawn.sounds))
        for row, taught in enumerate(drawn.taught.tolist()):
            for place, token in enumerate(taught):
                if token != UNTAUGHT:
                    before = embedded[row : row + 1, :place]
                    logits = model.language_model(inputs_embeds=before).logits[0, -1]
                    terms.append(-float(logits.log_softmax(-1)[token]))
    assert loss == pytest.approx(np.mean(terms), abs=1e-4)


def test_no_gradient_flows_into_the_sounds_of_examples(raft: Raft):
    frames = torch.randn(3, 384, requires_grad=True)
    vectors = raft.model.hear(frames, torch.tensor([True, False, True]))
    vectors.sum().backward()
    moved = frames.grad.abs().sum(1) > 0
    assert moved.tolist() == [False, True, False]


# --- captioning -------------------------------------------------------------------------------


def test_raft_takes_examples_and_guides(raft: Raft):
    assert isinstance(raft, ExampleCaptioner)
    assert isinstance(raft, GuidableCaptioner)
    assert raft.max_examples == 10


def test_captions_do_not_depend_on_the_batch_whatever_was_shown(
    mini: Raft, clips: list[Clip], pairs: list[Example]
):
    examples = some(pairs, [0, 4, 1, 10, 2, 0, 7, 3])
    together = mini.caption(clips[:8], examples)
    backwards = mini.caption(clips[:8][::-1], examples[::-1])[::-1]
    alone = [mini.caption([c], [own])[0] for c, own in zip(clips, examples, strict=False)]
    assert (
        [c.tokens for c in together] == [c.tokens for c in alone] == [c.tokens for c in backwards]
    )
    for one, other in zip(together, alone, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-4)


def test_no_examples_is_the_same_as_an_empty_list_of_them(mini: Raft, clips: list[Clip]):
    bare = mini.caption(clips[:4])
    assert [c.tokens for c in mini.caption(clips[:4], [[]] * 4)] == [c.tokens for c in bare]


def test_examples_and_their_order_change_what_is_read(
    mini: Raft, clips: list[Clip], pairs: list[Example]
):
    def scores(examples: list[Example]) -> torch.Tensor:
        with torch.no_grad():
            return mini.step(mini.open(clips[:1], [examples]), None, None).scores[0]

    first, second = pairs[:2]
    assert not torch.allclose(scores([first, second]), scores([second, first]))
    assert not torch.allclose(scores([first]), scores([]))


def test_stepping_goes_on_from_the_cache_as_from_the_whole(
    mini: Raft, clips: list[Clip], pairs: list[Example]
):
    """With rows of different lengths, which are filled up on the left."""
    examples = some(pairs, [0, 3, 1])
    with torch.no_grad():
        prefix, counts = state = mini.open(clips[:3], examples)
        step = mini.step(state, None, None)
        tokens = step.scores.argmax(-1)[:, None]
        after = mini.step(state, tokens, step.cache).scores
        word = mini.model.language_model.get_input_embeddings()(tokens)
        for row in range(3):
            own = prefix[row : row + 1, counts[row]]
            line = torch.cat([own, word[row : row + 1]], 1)
            whole = mini.model.language_model(inputs_embeds=line).logits[0, -1]
            torch.testing.assert_close(after[row], whole, atol=1e-4, rtol=1e-4)


def test_a_guide_works_around_it(
    raft: Raft, clips: list[Clip], pairs: list[Example], workshop: Workshop
):
    from aacbench.decoding import GuidedCaptioner, Steering

    class Longs:
        """Wants captions that do not end."""

        steering = Steering(steps=2, step_size=1.0, fusion=1.0)
        beams = 1

        def loss(self, prediction: Any) -> torch.Tensor:
            return prediction.log_probabilities[:, prediction.tokenizer.end].exp()

    class With:
        """What `+rag` does."""

        def __init__(self) -> None:
            self.tokenizer, self.decoding, self.step = raft.tokenizer, raft.decoding, raft.step

        def open(self, several: Sequence[Clip]) -> Any:
            return raft.open(several, some(pairs, [i % 3 for i in range(len(several))]))

    together = GuidedCaptioner(With(), [Longs()]).caption(clips[:3])
    assert all(caption.steered for caption in together)
    first = GuidedCaptioner(With(), [Longs()]).caption(clips[:1])[0]
    assert first.tokens == together[0].tokens
    raised = [t.guided - t.plain for caption in together for t in caption.steered]
    assert any(abs(difference) > 1e-6 for difference in raised), "the cache was not moved"


def test_more_examples_than_ten_are_refused(raft: Raft, clips: list[Clip], pairs: list[Example]):
    with pytest.raises(BadOption, match="11 examples"):
        raft.caption(clips[:1], [pairs[:11]])


def test_examples_of_another_space_are_refused_or_heard_anew(
    raft: Raft, trained: Path, clips: list[Clip], pairs: list[Example], workshop: Workshop
):
    nothing = np.zeros(5, np.float32)
    strange = Example(pairs[0].clip_id, pairs[0].dataset, pairs[0].caption, 1.0, nothing, nothing)
    with pytest.raises(BadOption, match="another space"):
        raft.caption(clips[:1], [[strange]])
    anew = workshop.build(
        "captioners", f'raft(weights="{trained}", beams=2, max_tokens=12, examples="clips")'
    )
    with torch.no_grad():
        heard, given = anew.open(clips[:1], [[strange]]), raft.open(clips[:1], [pairs[:1]])
    torch.testing.assert_close(heard[0], given[0], atol=1e-4, rtol=1e-4)


def test_an_encoder_of_another_width_is_refused(trained: Path, workshop: Workshop):
    class Narrow:
        dim = 5

    with pytest.raises(BadData, match="gives 5"):
        Raft.load(trained, Narrow(), RaftOptions(encoder="narrow"), workshop)


def test_a_file_that_holds_something_else_is_refused(workshop: Workshop):
    nac = "plugins/aacbench_nac/weights/nac-mini-events.safetensors"
    path = Path(__file__).resolve().parents[2] / nac
    with pytest.raises(BadData, match="does not hold weights of raft"):
        workshop.build("captioners", f'raft(weights="{path}")')


# --- the weights that ship ----------------------------------------------------------------------


@pytest.mark.parametrize("source", ["events", "scenes"])
def test_what_ships_is_what_its_card_says(source: str):
    import hashlib

    folder = Path(__file__).resolve().parents[2] / "plugins" / "aacbench_p2p" / "weights"
    weights = (folder / f"raft-mini-{source}.safetensors").read_bytes()
    card = (folder / f"raft-mini-{source}.md").read_text(encoding="utf-8")
    assert hashlib.sha256(weights).hexdigest() in card
    assert len(weights) < 2_000_000


def test_mini_names_what_sounds_and_says_different_things(
    mini: Raft, clips: list[Clip], workshop: Workshop
):
    from aacbench.scoring import gather as items_of

    annotations = workshop.build("datasets", "soundbox-events").annotations("validation")
    own = {clip.id: annotations[clip.id] for clip in clips}
    captions = mini.caption(clips)
    assert len({caption.text for caption in captions}) > 12
    metric = workshop.build("metrics", "event_f1")
    metric.prepare(own)
    said = {clip.id: (caption,) for clip, caption in zip(clips, captions, strict=True)}
    statistics = metric.score(items_of(own, said), {}).statistics
    found = metric.corpus(statistics, np.ones((1, len(clips))))["event_f1"][0]
    assert found > 0.6
