"""`raft` with real parts: soundbox's sounds and captions, clap:mini's ears, IA3 by peft."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from aacbench.errors import BadData, BadOption
from aacbench.training import load_weights
from aacbench.types import Clip, Example, ExampleCaptioner, GuidableCaptioner
from aacbench.workshop import Workshop
from aacbench_p2p.raft import train as training
from aacbench_p2p.raft.batches import Batches
from aacbench_p2p.raft.captioner import Raft
from aacbench_p2p.raft.hearing import Hearing
from aacbench_p2p.raft.layout import HEARD, LONG, UNTAUGHT, Layout
from aacbench_p2p.raft.lesson import Lesson, gather
from aacbench_p2p.raft.neighbours import Pairs, chosen, nearest
from aacbench_p2p.raft.options import RaftArchitecture, RaftOptions, RaftTrainOptions
from aacbench_p2p.raft.train import plan, train
from aacbench_p2p.raft.words import LearntWords

SMALL: dict[str, Any] = {
    "captions": "soundbox-events",
    "limit": 30,
    "align_steps": 12,
    "align_batch": 8,
    "tune_steps": 6,
    "tune_batch": 8,
    "tune_rate": 1e-2,
    "warmup": 0,
    "width": 32,
    "heads": 2,
    "layers": 1,
    "inner": 48,
    "hidden": 24,
    "vocabulary": 300,
    "shots": 3,
    "fewest_shots": 1,
    "tune_language_model": False,
    "checkpoint_every": 4,
}


def options(**more: Any) -> RaftTrainOptions:
    return RaftTrainOptions(**{**SMALL, **more})


@pytest.fixture(scope="module", autouse=True)
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """With a cache of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("AACBENCH_DATA", raising=False)
        yield Workshop()


@pytest.fixture(scope="module")
def encoder(workshop: Workshop) -> Any:
    return workshop.build("encoders", "clap:mini")


@pytest.fixture(scope="module")
def lesson(workshop: Workshop, encoder: Any) -> Lesson:
    return gather(options(), workshop, encoder, "soundbox-events", True, True)


@pytest.fixture(scope="module")
def words(lesson: Lesson) -> LearntWords:
    return LearntWords.learn(lesson.captions, 300)


@pytest.fixture(scope="module")
def trained(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("raft")
    figures = train(options(), workshop, out)
    assert figures["learning"]["tuning-alone"] < figures["learning"]["aligning"]
    return out / "raft.safetensors"


@pytest.fixture(scope="module")
def raft(trained: Path, workshop: Workshop) -> Raft:
    return workshop.build("captioners", f'raft(weights="{trained}", beams=2, max_tokens=12)')


@pytest.fixture(scope="module")
def mini(workshop: Workshop) -> Raft:
    return workshop.build("captioners", "raft:mini@events(beams=3)")


@pytest.fixture(scope="module")
def clips(workshop: Workshop) -> list[Clip]:
    return list(workshop.build("datasets", "soundbox-events").clips("validation")[:24])


@pytest.fixture(scope="module")
def pairs(workshop: Workshop, encoder: Any) -> list[Example]:
    """The first captions of sixty training clips, with their embeddings."""
    dataset = workshop.build("datasets", "soundbox-events")
    clips = dataset.clips("train")[:60]
    annotations = dataset.annotations("train")
    captions = [annotations[clip.id].references[0] for clip in clips]
    heard, said = encoder.embed_audio(clips), encoder.embed_text(captions)
    return [
        Example(clip.id, "soundbox-events/train", caption, 1.0, a, t, clip.source_id)
        for clip, caption, a, t in zip(clips, captions, heard, said, strict=True)
    ]


def some(pairs: Sequence[Example], counts: Sequence[int]) -> list[list[Example]]:
    """So many examples for each clip, all different."""
    going = itertools.cycle(pairs)
    return [[next(going) for _ in range(count)] for count in counts]


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


# --- examples for training --------------------------------------------------------------------


def test_neighbours_are_the_nearest_of_other_recordings_and_ties_go_to_the_lower_row():
    random = np.random.default_rng(0)
    heard = random.standard_normal((5, 8)).astype(np.float32)
    heard /= np.linalg.norm(heard, axis=1, keepdims=True)
    clip_of = np.repeat(np.arange(5), 2)
    said = heard[clip_of][::-1].copy()
    recording = np.array([0, 0, 1, 2, 3])[clip_of]  # the first two clips are of one recording
    pairs = Pairs(clip_of, recording, heard, said)
    found = nearest(pairs, "audio-to-audio", kept=10)
    for row, own in enumerate(found):
        others = [r for r in range(10) if recording[r] != recording[row]]
        cosines = heard @ heard[clip_of[row]]
        expected = sorted(others, key=lambda r: (-cosines[clip_of[r]], r))
        assert own.tolist() == expected + [-1] * (10 - len(expected))
    both = nearest(pairs, "pair-to-pair", 0.3, kept=3)
    scores = 0.3 * (heard @ heard.T)[clip_of][:, clip_of] + 0.7 * said @ said.T
    scores[recording[:, None] == recording] = -np.inf
    assert both[:, 0].tolist() == scores.argmax(1).tolist()


def test_of_each_clip_one_caption_where_that_is_asked_for():
    clip_of = np.array([0, 0, 1, 1, 2])
    random = np.random.default_rng(0)
    assert chosen([2, 3, 0, -1], 5, clip_of, False, random) == [2, 3, 0]
    drawn = {tuple(chosen([2, 3, 0, 1, 4], 2, clip_of, True, random)) for _ in range(50)}
    assert drawn == {(2, 0), (2, 1), (3, 0), (3, 1)}


def test_examples_in_training_come_from_other_clips_and_vary_in_number(
    lesson: Lesson, words: LearntWords, encoder: Any
):
    for rows, near in enumerate(lesson.near["audio-to-audio"]):
        assert lesson.clip_of[rows] not in lesson.clip_of[near[near >= 0]]
    chosen_options = options(per_clip=0.0)
    stage = plan(chosen_options, 9, 9, True)[2]
    assert (stage.fewest, stage.most) == (1, 3), "from 1 to K (section 3.2)"
    hearing = Hearing(encoder, "clap:mini", chosen_options)
    batches = Batches(stage, lesson, words, chosen_options, hearing)
    counts = {len(batches.draw(step).sounds) // 8 for step in range(20)}
    assert counts == {2, 3, 4}, "sounds a line: K examples and one"
    alone = plan(chosen_options, 9, 9, True)[1]
    drawn = Batches(alone, lesson, words, chosen_options, hearing).draw(0)
    assert len(drawn.sounds) == 8
    assert not drawn.shown.any()


def test_the_curriculum_has_two_phases_and_without_it_all_is_mixed():
    curriculum = plan(options(), 100, 100, True)
    assert [(s.name, s.steps, s.fewest, s.most) for s in curriculum] == [
        ("aligning", 12, 0, 0),
        ("tuning-alone", 6, 0, 0),
        ("tuning-with-examples", 6, 1, 3),
    ]
    _, mixed = plan(options(curriculum=False), 100, 100, True)
    assert (mixed.steps, mixed.fewest, mixed.most) == (12, 0, 3)
    epochs = options(tune_epochs=10, align_epochs=5, preset="mini")
    steps = [s.steps for s in plan(epochs, 100, 60, True)]
    assert steps == [63, 75, 75], "5 x 100 / 8 and 10 x 60 / 8"


# --- training ---------------------------------------------------------------------------------


def test_ia3_trains_few_weights_and_leaves_the_language_model_as_it_was(
    workshop: Workshop, tmp_path: Path, trained: Path
):
    train(options(tune_steps=1), workshop, tmp_path)
    short, config = load_weights(tmp_path / "raft.safetensors")
    long, _ = load_weights(trained)
    assert config["adapted"]
    moved = {name for name, tensor in short.items() if not torch.equal(tensor, long[name])}
    scales = {name for name in short if ".ia3_l." in name}
    assert sum(short[name].numel() for name in scales) == 32 + 32 + 48
    in_model = {name for name in moved if name.startswith("language_model.")}
    assert in_model == scales | {"language_model.lm_head.weight"}
    assert any(name.startswith("connector.") for name in moved)


def test_a_small_language_model_can_be_tuned_as_a_whole_but_for_its_input(
    workshop: Workshop, trained: Path, tmp_path: Path
):
    whole = options(tune_language_model=True, tune_steps=1)
    learning = train(whole, workshop, tmp_path)["learning"]["tuning-alone"]
    tensors, _ = load_weights(tmp_path / "raft.safetensors")
    still = tensors["language_model.model.embed_tokens.weight"]
    assert learning == sum(t.numel() for t in tensors.values()) - still.numel()
    before, _ = load_weights(trained)
    assert torch.equal(still, before["language_model.model.embed_tokens.weight"])
    layer = "language_model.model.layers.0.self_attn.q_proj.weight"
    assert not torch.equal(tensors[layer], before[layer])


def test_training_twice_or_after_a_break_gives_the_same_bytes(
    trained: Path, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Broken(Exception):
        pass

    fit, begun = training.fit, []

    def break_off(model: Any, draw: Any, loss: Any, settings: Any, *rest: Any, **more: Any) -> Any:
        def drawn(step: int) -> Any:
            if len(begun) == 2 and step == 5:
                raise Broken
            return draw(step)

        begun.append(settings)
        return fit(model, drawn, loss, settings, *rest, **more)

    monkeypatch.setattr(training, "fit", break_off)
    with pytest.raises(Broken):
        train(options(), workshop, tmp_path)
    monkeypatch.setattr(training, "fit", fit)
    assert (tmp_path / "stages" / "tuning-alone" / "checkpoint.pt").is_file()
    with pytest.raises(BadData, match="other options"):
        train(options(noise=0.5), workshop, tmp_path)
    train(options(), workshop, tmp_path)
    assert (tmp_path / "raft.safetensors").read_bytes() == trained.read_bytes()
    assert not (tmp_path / "stages").exists()
    card = (tmp_path / "raft.md").read_text(encoding="utf-8")
    assert "--align-steps 12" in card
    assert "150 captions" in card


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
