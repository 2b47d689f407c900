"""`nac` with real parts: soundbox's captions and sounds, clap:mini's ears and text side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import aacbench
from aacbench import catalog
from aacbench.builtin.datasets.soundbox.dataset import SoundboxSound
from aacbench.embeddings import cached_text
from aacbench.errors import BadData, BadOption
from aacbench.specs import Choice
from aacbench.training import load_weights
from aacbench.types import GuidableCaptioner
from aacbench.workshop import Workshop
from aacbench_nac.captioner import Nac
from aacbench_nac.model import NacModel
from aacbench_nac.options import NacOptions, NacTrainOptions
from aacbench_nac.train import Batches, estimate_noise, fit_adapter, gather, paired, train
from aacbench_nac.words import CaptionTokenizer

SMALL: dict[str, Any] = {
    "captions": "soundbox-events",
    "limit": 100,
    "steps": 50,
    "batch_size": 16,
    "warmup": 5,
    "width": 32,
    "heads": 2,
    "layers": 1,
    "prefix": 4,
    "vocabulary": 300,
    "checkpoint_every": 20,
}


def options(**more: Any) -> NacTrainOptions:
    return NacTrainOptions(**{**SMALL, **more})


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this module's own, so that nothing was computed before."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.delenv("AACBENCH_DATA", raising=False)
        yield folder


@pytest.fixture(scope="module")
def workshop(cache: Path) -> Workshop:
    return Workshop()


@pytest.fixture(scope="module")
def encoder(workshop: Workshop) -> Any:
    return workshop.build("encoders", "clap:mini")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, workshop: Workshop, encoder: Any) -> Path:
    out = tmp_path_factory.mktemp("nac")
    train(options(), workshop, out)
    return out / "nac.safetensors"


def expression(weights: Path, **more: Any) -> str:
    inside = {"weights": str(weights), "encoder": "clap:mini", "max_tokens": 12, **more}
    return "nac(" + ", ".join(f"{name}={value}" for name, value in inside.items()) + ")"


def validation_clips(workshop: Workshop, count: int) -> list[aacbench.Clip]:
    return list(workshop.build("datasets", "soundbox-events").clips("validation")[:count])


def test_training_twice_gives_the_same_bytes(trained: Path, workshop: Any, tmp_path: Path):
    figures = train(options(), workshop, tmp_path)
    assert (tmp_path / "nac.safetensors").read_bytes() == trained.read_bytes()
    assert figures["captions"] == 500
    assert figures["losses"][-1] < np.log(300), "it did not learn at all"


def test_training_on_text_never_hears_a_sound(
    workshop: Any, encoder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*given: Any) -> Any:
        raise AssertionError("a sound was read")

    monkeypatch.setattr(SoundboxSound, "read", refuse)
    monkeypatch.setattr(type(encoder), "embed_audio", refuse)
    figures = train(options(steps=2), workshop, tmp_path)
    assert figures["sha256"]
    with pytest.raises(AssertionError, match="a sound was read"):
        train(options(steps=2, mode="audio", limit=2), workshop, tmp_path / "audio")


def test_the_audio_text_variant_is_conditioned_on_each_captions_own_sound(
    workshop: Any, encoder: Any
):
    lesson = gather(options(mode="audio", limit=3), workshop, encoder)
    clips = workshop.build("datasets", "soundbox-events").clips("train")[:3]
    assert lesson.rows.tolist() == [row for row in range(3) for _ in range(5)]
    np.testing.assert_allclose(lesson.embeddings, encoder.embed_audio(clips), atol=1e-6)


def test_more_text_is_learnt_beside_the_captions(workshop: Any, encoder: Any, tmp_path: Path):
    extra = tmp_path / "more.txt"
    extra.write_text("a gong is struck\n\n  waves break  \n", encoding="utf-8")
    lesson = gather(options(limit=2, extra_text=extra), workshop, encoder)
    assert lesson.captions[-2:] == ["a gong is struck", "waves break"]
    assert len(lesson.captions) == len(lesson.embeddings) == 12


def test_noise_auto_is_the_mean_infinity_norm_of_paired_embeddings(workshop: Any, encoder: Any):
    chosen = options(noise="auto", noise_pairs=8, limit=12)
    found = estimate_noise(chosen, workshop, encoder)
    dataset = workshop.build("datasets", "soundbox-events")
    annotations = dataset.annotations("train")
    norms = []
    for clip in dataset.clips("train")[:12]:
        heard = encoder.embed_audio([clip])[0]
        read = encoder.embed_text([annotations[clip.id].references[0]])[0]
        norms.append(np.abs(heard - read).max())
    assert min(norms) < found < max(norms)
    assert found == pytest.approx(np.mean(norms), rel=0.25), "8 of the 12 pairs were looked at"
    everything = estimate_noise(options(noise_pairs=12, limit=12), workshop, encoder)
    assert everything == pytest.approx(np.mean(norms), rel=1e-3)


def test_noise_auto_without_sound_says_what_to_give(workshop: Any, encoder: Any, tmp_path: Path):
    with pytest.raises(BadOption) as caught:
        paired(options(limit=1), workshop, encoder, None)
    assert "noise" in caught.value.hint


def test_the_linear_adapter_brings_text_nearer_to_sound(workshop: Any, encoder: Any):
    chosen = options(adapter="linear", limit=24)
    heard, read = paired(chosen, workshop, encoder, None)
    adapter = fit_adapter(chosen, workshop, encoder)
    before = np.square(read - heard).mean()
    after = np.square(read @ adapter - heard).mean()
    assert after < 0.5 * before
    loose = fit_adapter(options(limit=24, adapter_ridge=1e6), workshop, encoder)
    assert np.abs(loose).max() < np.abs(adapter).max(), "a strong ridge shrinks the matrix"


def test_noise_goes_onto_the_embedding_and_length_is_kept_as_asked(workshop: Any, encoder: Any):
    lesson = gather(options(limit=4), workshop, encoder)
    tokenizer = CaptionTokenizer.learn(lesson.captions, 300)
    plain = Batches(lesson, lesson.embeddings, tokenizer, options(), 0.0)
    noised = Batches(lesson, lesson.embeddings, tokenizer, options(renormalise=False), 0.1)
    clean, tokens = plain.draw(3)
    loud, same = noised.draw(3)
    assert torch.equal(tokens, same), "noise must not change which captions are drawn"
    assert float((loud - clean).std()) == pytest.approx(0.1, rel=0.05)
    again = Batches(lesson, lesson.embeddings, tokenizer, options(), 0.1).draw(3)[0]
    np.testing.assert_allclose(again.norm(dim=1), 1.0, atol=1e-6)
    assert not torch.equal(plain.draw(4)[1], tokens)
    assert torch.equal(plain.draw(3)[0], clean)


def test_the_loss_is_the_mean_cross_entropy_of_each_token_given_those_before(encoder: Any):
    """Equation 4, token by token."""
    shape = options()
    torch.manual_seed(0)
    model = NacModel(shape, 300).eval()
    embedding = torch.nn.functional.normalize(torch.randn(2, shape.dim), dim=1)
    tokens = torch.tensor([[5, 9, 0, -100], [7, 8, 6, 0]])
    terms = []
    with torch.no_grad():
        loss = float(model.loss(embedding, tokens))
        prefix = model.prefix(embedding)
        words = model.language_model.transformer.wte
        for row, length in ((0, 3), (1, 4)):
            for place in range(length):
                before = words(tokens[row, :place])
                inputs = torch.cat([prefix[row], before])[None]
                logits = model.language_model(inputs_embeds=inputs).logits[0, -1]
                terms.append(-float(logits.log_softmax(-1)[tokens[row, place]]))
    assert loss == pytest.approx(np.mean(terms), abs=1e-5)


def test_a_frozen_language_model_stays_as_it_was(workshop: Any, tmp_path: Path, trained: Path):
    train(options(train_language_model=False, steps=5), workshop, tmp_path / "short")
    train(options(train_language_model=False, steps=9), workshop, tmp_path / "long")
    short, long = (load_weights(tmp_path / n / "nac.safetensors")[0] for n in ("short", "long"))
    for name, tensor in short.items():
        same = torch.equal(tensor, long[name])
        still = name.startswith("language_model.") or name == "caption_mean"
        assert same == still, name


def test_nac_is_guidable_and_steps_as_it_captions(trained: Path, workshop: Workshop):
    nac = workshop.build("captioners", expression(trained, beams=1))
    assert isinstance(nac, GuidableCaptioner)
    clip = validation_clips(workshop, 1)
    (caption,) = nac.caption(clip)
    with torch.no_grad():
        state = nac.open(clip)
        step = nac.step(state, None, None)
        tokens: list[int] = []
        while len(tokens) < 12:
            scores = step.scores[0].clone()
            if not tokens:
                scores[nac.tokenizer.end] = -torch.inf
            token = int(scores.argmax())
            if token == nac.tokenizer.end:
                break
            tokens.append(token)
            step = nac.step(state, torch.tensor([[token]]), step.cache)
    assert caption.tokens == tuple(tokens)
    assert caption.text == nac.tokenizer.decode(tokens)


def _same_in_any_batch(captioner: Any, clips: list[aacbench.Clip]) -> None:
    together = captioner.caption(clips)
    alone = [captioner.caption([clip])[0] for clip in clips]
    assert [c.tokens for c in together] == [c.tokens for c in alone]
    assert [c.text for c in together] == [c.text for c in alone]


def test_captions_do_not_depend_on_the_batch(trained: Path, workshop: Workshop):
    clips = validation_clips(workshop, 16)
    _same_in_any_batch(workshop.build("captioners", expression(trained, beams=3)), clips)


def test_200_clips_are_captioned_alike_alone_and_by_sixteens(workshop: Workshop):
    """A tie, two captions whose scores differ by less than 1e-4, may fall either way; one may."""
    nac = workshop.build("captioners", "nac:mini@events")
    clips = validation_clips(workshop, 200)
    sixteens = [c for start in range(0, 200, 16) for c in nac.caption(clips[start : start + 16])]
    alone = [nac.caption([clip])[0] for clip in clips]
    ties = 0
    for clip, one, other in zip(clips, alone, sixteens, strict=True):
        if one.tokens != other.tokens:
            assert abs(one.score - other.score) < 1e-4, f"{clip.id}: {one.text} | {other.text}"
            print(f"tie on {clip.id}: {one.score} {one.text} | {other.score} {other.text}")
            ties += 1
    assert ties <= 1
    assert len({caption.text for caption in alone}) > 100, "it says the same of all"


def test_scenes_are_captioned_alike_in_any_batch(workshop: Workshop):
    clips = workshop.build("datasets", "soundbox-scenes").clips("validation")[:16]
    _same_in_any_batch(workshop.build("captioners", "nac:mini@scenes"), list(clips))


class Centred:
    """clap:mini with a sound side that knows its mean."""

    def __init__(self, inner: Any, mean: np.ndarray) -> None:
        self.inner = inner
        self.dim = inner.dim
        self.audio_mean = mean

    def embed_audio(self, clips: Any) -> np.ndarray:
        return self.inner.embed_audio(clips)


def test_centre_moves_a_sound_by_the_difference_of_the_means(
    trained: Path, encoder: Any, workshop: Workshop
):
    (clip,) = validation_clips(workshop, 1)
    mean = np.full(encoder.dim, 0.02, np.float32)
    captions = load_weights(trained)[0]["caption_mean"].numpy()
    heard = encoder.embed_audio([clip])[0] + captions - mean
    moved = torch.from_numpy(heard / np.linalg.norm(heard))[None]
    nac = Nac.load(trained, Centred(encoder, mean), NacOptions(), "cpu")
    with torch.no_grad():
        torch.testing.assert_close(nac.open([clip]), nac.model.prefix(moved))
        plain = Nac.load(trained, Centred(encoder, mean), NacOptions(centre=False), "cpu")
        unmoved = torch.from_numpy(encoder.embed_audio([clip]))
        torch.testing.assert_close(plain.open([clip]), plain.model.prefix(unmoved))
    assert Nac.load(trained, encoder, NacOptions(), "cpu").shift is None


def test_an_encoder_of_another_size_is_refused(trained: Path, workshop: Workshop):
    from aacbench_nac.captioner import Nac

    class Narrow:
        dim = 5

        def embed_audio(self, clips: Any) -> Any:
            return np.ones((len(clips), 5), np.float32)

        def embed_text(self, texts: Any) -> Any:
            return np.ones((len(texts), 5), np.float32)

    with pytest.raises(BadData, match="embeddings of 384") as caught:
        Nac.load(trained, Narrow(), NacOptions(encoder="narrow"), "cpu")
    assert "gives 5" in caught.value.message


def test_a_file_that_holds_something_else_is_refused(workshop: Workshop, encoder: Any):
    weights = next(iter(catalog.weights(catalog.choose("encoders", "clap:mini")).values()))
    with pytest.raises(BadData, match="does not hold weights of nac"):
        workshop.build("captioners", expression(weights))


def test_own_weights_make_the_domain_unknown(trained: Path):
    choice: Choice = catalog.choose("captioners", expression(trained))
    assert catalog.trained_on(choice).captions is None


def test_words_come_back_as_a_sentence_starts():
    captions = ["A dog barks, then it's quiet.", "Rain falls on a tin roof."]
    tokenizer = CaptionTokenizer.learn(captions, 300)
    for caption in captions:
        tokens = tokenizer.encode(caption)
        assert tokenizer.end not in tokens
        assert tokenizer.decode(tokens) == caption
    again = CaptionTokenizer.unpacked(tokenizer.packed())
    assert again.encode(captions[0]) == tokenizer.encode(captions[0])


def test_embeddings_are_computed_once_and_in_any_order(encoder: Any, cache: Path):
    texts = ["rain", "wind", "rain", "hail"]
    first = cached_text(encoder, "clap:mini", texts)
    kept = set((cache / "aacbench" / "embeddings").iterdir())
    second = cached_text(encoder, "clap:mini", texts[::-1])
    assert set((cache / "aacbench" / "embeddings").iterdir()) == kept
    np.testing.assert_array_equal(first, second[::-1])
    np.testing.assert_allclose(first, encoder.embed_text(texts), atol=1e-6)
