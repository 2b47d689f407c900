"""`clip`: pictures and text through a CLIP of random weights in the real one's layout."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import random_texts

from aacbench import assets, perceiving, testing
from aacbench.builtin.encoders import clip
from aacbench.builtin.encoders.clip.encoder import ClipEncoder
from aacbench.catalog import choose, trained_on
from aacbench.embeddings import cached_audio
from aacbench.errors import BadAudio, BadData, BadOption, MissingAsset
from aacbench.types import Audio, Clip
from aacbench.workshop import Workshop

Image = pytest.importorskip("PIL.Image", reason="needs pillow")

TEXTS = ("A photo of a dog", "rain", "two people on a boat in the harbour", "rain", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_texts.clip(tmp_path_factory.mktemp("clip"), TEXTS)


@pytest.fixture(scope="module")
def encoder(folder: Path) -> ClipEncoder:
    return Workshop().build("encoders", f"clip:paper@file(path={folder})")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    return testing.sample_pictures(tmp_path_factory.mktemp("pictures"))


def test_saying_what_there_is_loads_no_model_library():
    code = (
        "import sys; from aacbench.catalog import choose; choose('encoders', 'clip');"
        "print([m for m in ('torch', 'transformers', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_both_sides_keep_the_rules_of_an_encoder(encoder: ClipEncoder):
    testing.check_encoder(encoder)


def test_rows_are_what_transformers_own_clip_computes(
    encoder: ClipEncoder, folder: Path, pictures: Sequence[Clip]
):
    import torch
    from transformers import AutoTokenizer, CLIPModel

    from aacbench.builtin.clip_model import pixels

    model = CLIPModel.from_pretrained(folder).eval()
    values = torch.stack([torch.from_numpy(pixels(c.image, 32)) for c in pictures if c.image])
    words = AutoTokenizer.from_pretrained(folder)(list(TEXTS), padding=True, return_tensors="pt")
    with torch.inference_mode():
        seen = model.visual_projection(model.vision_model(pixel_values=values).pooler_output)
        said = model.text_projection(model.text_model(**words).pooler_output)
    raw = encoder.embed_image(pictures, unit=False)
    np.testing.assert_allclose(raw, seen.numpy(), rtol=1e-4, atol=1e-5)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    assert (np.abs(lengths - 1) > 0.05).any(), "rows that are no unit rows are what is asked for"
    np.testing.assert_allclose(encoder.embed_image(pictures), raw / lengths, rtol=1e-5, atol=1e-6)
    unit = torch.nn.functional.normalize(said, dim=1).numpy()
    np.testing.assert_allclose(encoder.embed_text(TEXTS), unit, rtol=1e-4, atol=1e-5)


def test_nothing_to_embed_gives_no_rows(encoder: ClipEncoder):
    assert encoder.embed_image([]).shape == encoder.embed_text([]).shape == (0, encoder.dim)


def test_one_seam_hears_with_ears_and_sees_with_eyes(
    encoder: ClipEncoder, pictures: Sequence[Clip]
):
    np.testing.assert_array_equal(
        perceiving.perceive(encoder, pictures), encoder.embed_image(pictures)
    )
    np.testing.assert_array_equal(
        perceiving.perceive(encoder, pictures, unit=False), encoder.embed_image(pictures, False)
    )
    ears = Workshop().build("encoders", "clap:mini")
    sounds = testing.sample_clips()
    np.testing.assert_array_equal(perceiving.perceive(ears, sounds), ears.embed_audio(sounds))
    with pytest.raises(BadAudio, match="clip 'wide' has no sound, only a picture"):
        perceiving.perceive(ears, pictures)
    with pytest.raises(BadData, match="clip 'noise' has no picture"):
        perceiving.perceive(encoder, sounds)
    with pytest.raises(BadOption, match="this encoder hears"):
        perceiving.perceive(ears, sounds, unit=False)


def test_what_was_seen_is_kept_by_the_picture_and_not_by_the_sound(
    encoder: ClipEncoder,
    folder: Path,
    pictures: Sequence[Clip],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    hum = Audio(np.full(400, 0.1, np.float32), 16_000)
    one, other = (Clip("same", hum, image=clip.image) for clip in pictures[:2])
    expression = f"clip:paper@file(path={folder})"
    rows = [cached_audio(encoder, expression, [clip])[0] for clip in (one, other, one)]
    np.testing.assert_array_equal(rows[0], rows[2])
    assert not np.allclose(rows[0], rows[1]), "another picture of the same sound got its row"


def test_the_papers_clip_says_what_it_is_made_of_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("AACBENCH_ASSETS", raising=False)
    choice = choose("encoders", "clip")
    assert trained_on(choice).encoder == ("CLIP's 400M pairs",)
    source = clip.spec().presets["paper"].sources["vit-b-32"]
    assert {name.removeprefix("asset:") for name in source.weights} == set(assets.groups()["clip"])
    with pytest.raises(MissingAsset, match=r"pytorch_model\.bin") as caught:
        Workshop().build("encoders", "clip")
    assert "aacbench data fetch clip" in caught.value.hint


def test_a_folder_of_ones_own_is_asked_for_by_its_source(folder: Path, tmp_path: Path):
    assert trained_on(choose("encoders", f"clip:paper@file(path={folder})")).encoder is None
    with pytest.raises(BadOption, match="go together") as caught:
        Workshop().build("encoders", "clip:paper@file")
    assert "clip:paper@file(path=FOLDER)" in caught.value.hint
    with pytest.raises(BadData, match="cannot be read as a CLIP"):
        Workshop().build("encoders", f"clip:paper@file(path={tmp_path})")


def test_the_papers_clip_is_read_from_the_files_that_are_fetched(
    folder: Path, encoder: ClipEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import torch
    from safetensors.torch import load_file

    monkeypatch.setenv("AACBENCH_ASSETS", str(tmp_path))
    for asset in assets.members("clip"):
        file = tmp_path / asset.path
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".bin":
            torch.save(load_file(folder / "model.safetensors"), file)
        elif (folder / file.name).is_file():
            file.write_bytes((folder / file.name).read_bytes())
        else:
            model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
            vocabulary, merges = json.dumps(model["vocab"]), model["merges"]
            lines = "\n".join(["#version: 0.2", *(" ".join(pair) for pair in merges)])
            texts = {"vocab.json": vocabulary, "merges.txt": lines}
            file.write_text(texts.get(file.name, "{}"), encoding="utf-8")
        assets.note_of(file).write_text(f"{assets.sha256_of(file)}  {file.name}\n")
    fetched = Workshop().build("encoders", "clip")
    np.testing.assert_allclose(
        fetched.embed_text(TEXTS), encoder.embed_text(TEXTS), rtol=1e-5, atol=1e-6
    )
