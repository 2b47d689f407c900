"""Captioners with eyes: pictures captioned by ClipCap's layout and by a frozen language model,
steered, run and scored, all with random weights under the real names."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import random_texts
import torch
from prefix_files import gpt2_tensors, mlp_mapper, transformer_mapper

import aacbench
from aacbench import catalog, testing
from aacbench.api import load_captioner
from aacbench.builtin.plain_text import plain
from aacbench.errors import BadAudio, BadData, BadOption, MissingAsset
from aacbench.store import RunFolder
from aacbench.types import Clip, Example
from aacbench.workshop import Workshop
from aacbench_nac.mlp_mapper import MlpMapper
from aacbench_nac.options import NacTrainOptions
from aacbench_nac.train import train
from aacbench_nac.words import Gpt2Tokenizer

Image = pytest.importorskip("PIL.Image", reason="needs pillow")
pytestmark = pytest.mark.usefixtures("alone")

DIM = 16  # of the random CLIP
SEED = 8  # gives pictures and captions that are not all at odds


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> str:
    """A CLIP of random weights, as an encoder's expression."""
    return f"clip:paper@file(path={clip_folder(tmp_path_factory, captions)})"


def clip_folder(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> Path:
    return random_texts.clip(tmp_path_factory.mktemp("clip"), captions, SEED)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, gpt2: Path) -> dict[str, Path]:
    """A file of each of ClipCap's two layouts."""
    torch.manual_seed(8)
    home = tmp_path_factory.mktemp("clipcap")
    words = gpt2_tensors(Gpt2Tokenizer.read(gpt2).size)
    mappers = {
        "mlp": mlp_mapper("clip_project", DIM),
        "transformer": transformer_mapper("clip_project", DIM),
    }
    for name, mapper in mappers.items():
        torch.save({**mapper, **words}, home / f"{name}.pt")
    return {name: home / f"{name}.pt" for name in mappers}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    return testing.sample_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def workshop(alone: None) -> Workshop:
    return Workshop()


def seeing(weights: Path, eyes: str, gpt2: Path, **more: Any) -> str:
    """`nac:paper` with ClipCap's weights, eyes and short captions."""
    inside = {
        "weights": weights,
        "encoder": eyes,
        "language_model": gpt2,
        "max_tokens": 8,
        "beams": 2,
        **more,
    }
    return f"nac:paper@clipcap-coco({', '.join(f'{k}={v}' for k, v in inside.items())})"


def test_the_mlp_is_given_clips_rows_as_clip_makes_them(
    files: dict[str, Path], eyes: str, gpt2: Path, pictures: list[Clip], workshop: Workshop
):
    nac = workshop.build("captioners", seeing(files["mlp"], eyes, gpt2))
    raw = nac.encoder.embed_image(pictures, unit=False)
    assert np.abs(np.linalg.norm(raw, axis=1) - 1).max() > 0.05
    with torch.no_grad():
        expected = nac.model.mapper(torch.from_numpy(raw))
        assert torch.equal(nac.open(pictures), expected)
        told = workshop.build("captioners", seeing(files["mlp"], eyes, gpt2, unit=True))
        unit = torch.from_numpy(nac.encoder.embed_image(pictures))
        assert torch.equal(told.open(pictures), nac.model.mapper(unit))
    assert nac.tokenizer.end == Gpt2Tokenizer.read(gpt2, ".").end


def test_the_transformer_is_given_rows_of_unit_length(
    files: dict[str, Path], eyes: str, gpt2: Path, pictures: list[Clip], workshop: Workshop
):
    nac = workshop.build("captioners", seeing(files["transformer"], eyes, gpt2))
    unit = torch.from_numpy(nac.encoder.embed_image(pictures))
    with torch.no_grad():
        assert torch.equal(nac.open(pictures), nac.model.mapper(unit))


@pytest.mark.parametrize("layout", ["mlp", "transformer"])
def test_pictures_are_captioned_alike_alone_and_together(
    files: dict[str, Path],
    eyes: str,
    gpt2: Path,
    pictures: list[Clip],
    workshop: Workshop,
    layout: str,
):
    nac = workshop.build("captioners", seeing(files[layout], eyes, gpt2))
    testing.check_captioner(nac, pictures)
    captions = nac.caption(pictures)
    scores = {round(caption.score or 0, 4) for caption in captions}
    assert len(scores) == len(pictures), "it does not look at the picture"
    assert all("." not in caption.text for caption in captions)


def test_a_guide_steers_words_about_a_picture(
    files: dict[str, Path], eyes: str, gpt2: Path, pictures: list[Clip], workshop: Workshop
):
    alone = seeing(files["mlp"], eyes, gpt2, max_tokens=4)
    guided = workshop.build("captioners", f"{alone}+guide(steps=2, candidates=8)")
    steered = guided.caption(pictures[:2])
    assert all(caption.steered for caption in steered)
    assert any(abs(token.guided - token.plain) > 1e-6 for c in steered for token in c.steered), (
        "the guide moved nothing"
    )


def test_examples_turn_what_is_seen_and_leave_it_as_long_as_it_was(
    files: dict[str, Path], eyes: str, gpt2: Path, pictures: list[Clip], workshop: Workshop
):
    nac = workshop.build("captioners", seeing(files["mlp"], eyes, gpt2, examples=0.5))
    row = torch.from_numpy(nac.encoder.embed_image(pictures[:1], unit=False))[0]
    vector = np.ones(DIM, np.float32) / DIM**0.5
    turned = nac._with(row, [Example("a", "coco/train2014", "a bell rings", 0.9, vector, vector)])
    assert float(turned.norm()) == pytest.approx(float(row.norm()), rel=1e-5)
    said = torch.from_numpy(nac.encoder.embed_text(["a bell rings"]))[0]
    halfway = torch.nn.functional.normalize(row / row.norm() + said, dim=0)
    torch.testing.assert_close(turned / turned.norm(), halfway, rtol=1e-4, atol=1e-5)


def test_a_frozen_language_model_is_pulled_towards_a_picture(
    eyes: str, gpt2: Path, pictures: list[Clip], workshop: Workshop
):
    """ZeroCap's own setting, with `zeroshot` and eyes."""
    inside = f"encoder={eyes}, weights={gpt2}, prompt='Image of a', max_tokens=4, temperature=1e-3"
    captioner = workshop.build("captioners", f"zeroshot:paper({inside})")
    captions = captioner.caption(pictures)
    assert all(caption.text and caption.steered for caption in captions)
    assert [captioner.caption([clip])[0].text for clip in pictures] == [c.text for c in captions]
    probabilities = {tuple(round(t.guided, 5) for t in c.steered) for c in captions}
    assert len(probabilities) > 1, "it does not look at the picture"


def test_a_picture_file_is_captioned_by_its_name(
    files: dict[str, Path], eyes: str, gpt2: Path, pictures: list[Clip]
):
    paths = [clip.image for clip in pictures[:2] if clip.image]
    captioner = seeing(files["mlp"], eyes, gpt2)
    said = aacbench.caption(paths, captioner)
    assert [c.text for c in said] == [
        c.text for c in load_captioner(captioner).caption(pictures[:2])
    ]
    with pytest.raises(BadAudio, match=r"wide\.png' has no sound, only a picture"):
        aacbench.caption(paths, "nac:mini@events")


@pytest.fixture
def album(tmp_path: Path, captions: list[str]) -> Path:
    """A folder of six pictures with two captions each."""
    folder = tmp_path / "album"
    folder.mkdir()
    dice = np.random.default_rng(3)
    rows = []
    for number in range(6):
        pixels = dice.integers(0, 256, (40 + number, 60, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        rows += [(f"{number}.png", captions[2 * number + i]) for i in range(2)]
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file_name", "caption"), *rows])
    return folder


def test_a_folder_of_pictures_is_run_and_scored_by_clip_s(
    files: dict[str, Path], eyes: str, gpt2: Path, album: Path, tmp_path: Path
):
    captioner = seeing(files["mlp"], eyes, gpt2)
    run = aacbench.run(captioner, str(album), out=tmp_path / "runs")
    model = eyes.partition("path=")[2].removesuffix(")")
    result = aacbench.score(run, metrics=["cider_d", f"clip_s(model={model})"])
    sight = Workshop().build("encoders", eyes)
    told = {name: record.caption.text for name, record in RunFolder(run).records().items()}
    looked = sight.embed_image([Clip(name, None, image=album / name) for name in told])
    said = sight.embed_text([f"A photo depicts {plain(text)}" for text in told.values()])
    expected = 2.5 * np.maximum((looked * said).sum(1), 0).mean()
    assert len(told) == 6
    assert expected > 0
    assert result["figures"]["clip_s"]["estimate"] == pytest.approx(expected, abs=1e-5)
    assert result["figures"]["cider_d"]["n"] == result["figures"]["ref_clip_s"]["n"] == 6
    assert result["self_scored"] == [f"clip_s:paper(model={model})"], "its own eyes judge it"
    Image.new("RGB", (50, 50), (200, 10, 10)).save(album / "3.png")
    again = aacbench.run(captioner, str(album), out=tmp_path / "runs")
    assert again != run, "another picture, and the caption of the old one stayed"


def test_who_hears_and_who_sees_each_refuse_the_others_target(
    files: dict[str, Path], eyes: str, gpt2: Path, album: Path, tmp_path: Path
):
    with pytest.raises(BadOption, match="holds pictures and no sound"):
        aacbench.run("nac:mini@events", str(album), out=tmp_path)
    with pytest.raises(BadOption, match="holds sounds and no picture"):
        aacbench.run(seeing(files["mlp"], eyes, gpt2), "soundbox-events", out=tmp_path)


def test_weights_that_are_not_at_hand_are_said_to_be_the_authors_to_give(eyes: str):
    with pytest.raises(MissingAsset, match=r"coco_weights\.pt .* Google Drive") as caught:
        Workshop().build("captioners", f"nac:paper@clipcap-coco(encoder={eyes})")
    assert "weights=coco_weights.pt" in caught.value.hint
    learnt = catalog.trained_on(catalog.choose("captioners", "nac:paper@clipcap-coco"))
    assert "coco/train2014" in (learnt.captions or ())
    assert learnt.encoder == ("CLIP's 400M pairs",)


def test_weights_for_another_clip_are_refused(
    tmp_path: Path, eyes: str, gpt2: Path, workshop: Workshop
):
    """The public transformer reads rows of RN50x4, 640 wide."""
    tensors = {**transformer_mapper("clip_project", 640), **gpt2_tensors(400)}
    torch.save(tensors, tmp_path / "transformer_weights.pt")
    with pytest.raises(BadData, match=r"embeddings of 640, .* gives 16"):
        workshop.build("captioners", seeing(tmp_path / "transformer_weights.pt", eyes, gpt2))


@pytest.mark.parametrize("mode", ["text", "audio"])
def test_a_mapping_network_learns_from_pictures_or_from_their_captions_alone(
    mode: str,
    eyes: str,
    gpt2: Path,
    pictures: list[Clip],
    captions: list[str],
    workshop: Workshop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    home = tmp_path / "data" / "flickr8k"
    (home / "Flicker8k_Dataset").mkdir(parents=True)
    names = [f"{clip.id}.png" for clip in pictures]
    for name, clip in zip(names, pictures, strict=True):
        assert clip.image
        (home / "Flicker8k_Dataset" / name).write_bytes(clip.image.read_bytes())
    told = [f"{name}#{i}\t{captions[i]}" for name in names for i in range(2)]
    (home / "Flickr8k.token.txt").write_text("\n".join(told), encoding="utf-8")
    (home / "Flickr_8k.trainImages.txt").write_text("\n".join(names), encoding="utf-8")
    monkeypatch.setenv("AACBENCH_DATA", str(home.parent))
    options = NacTrainOptions(
        captions="flickr8k",
        encoder=eyes,
        mapper="mlp",
        mode=mode,
        language_model=gpt2,
        steps=3,
        batch_size=4,
    )
    train(options, workshop, tmp_path / "trained")
    trained = seeing(tmp_path / "trained" / "nac.safetensors", eyes, gpt2)
    nac = workshop.build("captioners", trained)
    unit = torch.from_numpy(nac.encoder.embed_image(pictures))
    with torch.no_grad():
        assert torch.equal(nac.open(pictures), nac.model.mapper(unit))
    assert isinstance(nac.model.mapper, MlpMapper)
    assert all(caption.score for caption in nac.caption(pictures))
