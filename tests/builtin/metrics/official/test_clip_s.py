"""CLIPScore: its arithmetic, and its pictures as CLIP's own code prepares them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from aacbench import testing
from aacbench.builtin.clip_model import PictureSpace, load_picture_space, pixels
from aacbench.builtin.metrics.official.clip_s import PREFIX, ClipScore
from aacbench.builtin.metrics.official.specs import CLIP_S
from aacbench.errors import BadData
from aacbench.types import Annotation, Caption, Clip, Item

Image = pytest.importorskip("PIL.Image", reason="needs pillow")


@pytest.fixture(scope="module")
def space(models) -> PictureSpace:
    return load_picture_space(models["clip_s"])


@pytest.fixture
def items(real: Sequence[Item], tmp_path: Path) -> list[Item]:
    dice = np.random.default_rng(0)
    found = []
    for number, item in enumerate(real[:5]):
        path = tmp_path / f"{number}.png"
        shape = ((40, 90), (47, 81), (54, 72), (64, 48), (32, 32))[number] + (3,)
        Image.fromarray(dice.integers(0, 256, shape, np.uint8)).save(path)
        clip = Clip(item.clip_id, tmp_path / "none.wav", image=path)
        found.append(Item(item.clip_id, item.candidates, item.annotation, clip))
    return found


def test_clip_s_is_two_and_a_half_cosines_and_the_references_join_by_harmonic_mean(
    space, items
) -> None:
    found = ClipScore(space).score(items, {}).per_clip
    for row, item in enumerate(items):
        assert item.clip
        picture = space.see([item.clip.image])[0]
        said, *told = space.read(
            [PREFIX + text for text in (item.candidates[0].text, *item.annotation.references)]
        )
        own = 2.5 * max(picture @ said, 0)
        best = max(max(said @ one for one in told), 0)
        assert found["clip_s"][row] == pytest.approx(own, abs=1e-5)
        both = 2 * own * best / (own + best) if own + best else 0
        assert found["ref_clip_s"][row] == pytest.approx(both, abs=1e-5)
    assert (found["clip_s"] > 0).any()


def test_pictures_are_prepared_as_clips_own_processor_prepares_them(space, items, models) -> None:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    theirs = CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    # Where the margin is odd, the paper's own code and this processor cut half a pixel apart.
    for item in (items[0], items[3], items[4]):
        assert item.clip
        assert item.clip.image
        with Image.open(item.clip.image) as picture:
            expected = theirs(picture, return_tensors="np")["pixel_values"][0]
        ours = pixels(item.clip.image, 32)
        np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_what_cannot_be_scored_is_nan_or_zero_by_a_rule(space, items) -> None:
    clip = items[0].clip
    odd = [
        Item("blank", (Caption("  "),), items[0].annotation, clip),
        Item("none", (), items[0].annotation, clip),
        Item("unseen", (Caption("rain"),), items[0].annotation, None),
        Item("alone", (Caption("rain"),), Annotation(()), clip),
    ]
    found = ClipScore(space).score(odd, {}).per_clip
    np.testing.assert_array_equal(np.isnan(found["clip_s"]), [False, True, True, False])
    np.testing.assert_array_equal(np.isnan(found["ref_clip_s"]), [False, True, True, True])
    assert found["clip_s"][0] == 0


def test_a_file_that_is_no_picture_is_named(space, items, tmp_path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    clip = Clip("a", tmp_path / "none.wav", image=broken)
    with pytest.raises(BadData, match=r"broken\.png"):
        ClipScore(space).score([Item("a", (Caption("rain"),), Annotation(()), clip)], {})


def test_no_clip_depends_on_its_neighbours(space, items) -> None:
    testing.check_metric(ClipScore(space), CLIP_S, items)
