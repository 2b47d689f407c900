"""Training `raft`: which examples it is shown, what learns, and the same bytes twice."""

from __future__ import annotations

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
    trained,
    words,
    workshop,
)

from aacbench.errors import BadData
from aacbench.training import load_weights
from aacbench.workshop import Workshop
from aacbench_p2p.raft import train as training
from aacbench_p2p.raft.batches import Batches
from aacbench_p2p.raft.hearing import Hearing
from aacbench_p2p.raft.lesson import Lesson
from aacbench_p2p.raft.neighbours import Pairs, chosen, nearest
from aacbench_p2p.raft.train import plan, train
from aacbench_p2p.raft.words import LearntWords

__all__ = ["clips", "encoder", "lesson", "mini", "pairs", "raft", "trained", "words", "workshop"]


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
