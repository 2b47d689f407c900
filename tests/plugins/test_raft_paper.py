"""`raft` as the paper has it, on small random twins: CLAP's frames, a Llama with IA3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    ClapConfig,
    ClapModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from aacbench import catalog
from aacbench.errors import BadData, BadOption, MissingAsset
from aacbench.training import load_weights
from aacbench.types import Audio, Clip, Example
from aacbench.workshop import Workshop
from aacbench_p2p.raft.captioner import Raft
from aacbench_p2p.raft.hearing import Hearing, pooled
from aacbench_p2p.raft.options import RaftOptions, RaftTrainOptions
from aacbench_p2p.raft.train import train

RATE = 48_000
WIDTH = 64  # of the frames

CLAP = ClapConfig(
    audio_config={
        "patch_embeds_hidden_size": 8,
        "hidden_size": WIDTH,
        "depths": [2, 2, 2, 2],
        "num_attention_heads": [1, 2, 2, 4],
        "spec_size": 256,
        "num_mel_bins": 64,
    },
    text_config={
        "vocab_size": 400,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 90,
    },
    projection_dim=24,
)


def _words(folder: Path, captions: list[str]) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=390, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False
    )
    tokenizer.train_from_iterator(captions, trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)


@pytest.fixture(scope="module")
def vicuna(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> Path:
    """A Llama of two random layers, and its words."""
    folder = tmp_path_factory.mktemp("vicuna")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=400,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        bos_token_id=0,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    _words(folder, captions)
    return folder


@pytest.fixture(scope="module")
def clap(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> Path:
    """LAION's CLAP as the hub has it, narrow and at random."""
    folder = tmp_path_factory.mktemp("clap")
    torch.manual_seed(1)
    ClapModel(CLAP).save_pretrained(folder)
    _words(folder, captions)
    return folder


def expression(clap: Path) -> str:
    return f'clap:paper@file(path="{clap}", model="hub-unfused")'


@pytest.fixture(scope="module")
def workshop(alone: None) -> Workshop:
    return Workshop()


def options(clap: Path, vicuna: Path, **more: Any) -> RaftTrainOptions:
    small: dict[str, Any] = {
        "preset": "paper",
        "captions": "soundbox-events",
        "tune_captions": "soundbox-events",
        "encoder": expression(clap),
        "language_model": str(vicuna),
        "dtype": "float32",
        "hidden": 16,
        "limit": 4,
        "align_steps": 3,
        "align_batch": 2,
        "tune_steps": 3,
        "tune_batch": 2,
        "tune_rate": 1e-2,
        "shots": 2,
    }
    return RaftTrainOptions(**{**small, **more})


@pytest.fixture(scope="module")
def trained(
    workshop: Workshop, clap: Path, vicuna: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("raft")
    train(options(clap, vicuna), workshop, out)
    return out / "raft.safetensors"


def tone(seconds: float, name: str = "tone") -> Clip:
    time = np.arange(round(seconds * RATE)) / RATE
    sound = (0.3 * np.sin(2 * np.pi * 440 * time * (1 + time / 40))).astype(np.float32)
    return Clip(name, Audio(sound, RATE), duration=seconds)


@pytest.fixture(scope="module")
def encoder(workshop: Workshop, clap: Path) -> Any:
    return workshop.build("encoders", expression(clap))


def test_frames_are_the_towers_own_before_they_are_one_vector(encoder: Any, clap: Path):
    clip = tone(10.0)
    model = ClapModel.from_pretrained(clap).eval()
    features = encoder.front.features(clip)
    with torch.inference_mode():
        states = model.audio_model(input_features=features.mel).last_hidden_state
    (frames,) = encoder.audio_frames([clip], 40.0)
    assert frames.shape == (32, WIDTH) == (32, encoder.frame_dim)
    np.testing.assert_allclose(frames, states[0].mean(1).T.numpy(), atol=1e-5)


def test_a_sound_is_heard_as_far_as_40_seconds_window_by_window(encoder: Any):
    lengths = {3.0: 10, 10.0: 32, 15.0: 48, 40.0: 128, 55.0: 128}
    for seconds, frames in lengths.items():
        assert encoder.audio_frames([tone(seconds)], 40.0)[0].shape == (frames, WIDTH), seconds
    long, short = encoder.audio_frames([tone(25.0), tone(10.0)], 40.0)
    np.testing.assert_allclose(long[:32], short, atol=1e-4)


def test_pooling_is_the_mean_of_each_stride_and_of_what_is_left_over():
    frames = torch.arange(10.0).view(5, 2)
    expected = torch.stack([frames[:2].mean(0), frames[2:4].mean(0), frames[4]])
    torch.testing.assert_close(pooled(frames, 2), expected)
    assert pooled(frames, 1) is frames


def test_stage_two_trains_ia3_the_head_the_connector_and_the_ears_alone(
    trained: Path, vicuna: Path
):
    tensors, config = load_weights(trained)
    assert config["adapted"]
    assert config["head"]
    assert config["ears"]
    below = LlamaForCausalLM.from_pretrained(vicuna).state_dict()
    kinds = {name.split(".")[0] for name in tensors}
    assert kinds == {"connector", "ears", "language_model"}
    of_model = {n for n in tensors if n.startswith("language_model.")}
    scales = {n for n in of_model if ".ia3_l." in n}
    assert len(scales) == 2 * 3, "k, v and down of two layers"
    assert of_model - scales == {"language_model.lm_head.weight"}, "nothing else is stored"
    assert all(float((tensors[n] - 1).abs().max()) > 1e-3 for n in scales), "IA3 did not learn"
    assert sum(tensors[n].numel() for n in scales) == 2 * (32 + 32 + 48)
    moved = (tensors["language_model.lm_head.weight"] - below["lm_head.weight"]).abs().max()
    assert 0 < float(moved) < 3e-2, "the head learns at a tenth of the rate"


def test_tuned_ears_are_heard_with(trained: Path, workshop: Workshop, clap: Path, vicuna: Path):
    raft = workshop.build("captioners", captioner(trained, clap, vicuna))
    clip = tone(10.0)
    plain = Hearing(raft._hearing.encoder, "clap", raft.model.shape).clips([clip])[0]
    with torch.inference_mode():
        tuned = raft._hear([clip])[0]
    assert tuned.shape == plain.shape == (16, WIDTH)
    assert float((tuned - plain).abs().max()) > 1e-4


def captioner(weights: Path, clap: Path, vicuna: Path, **more: Any) -> str:
    told = {"language_model": f'"{vicuna}"', "weights": f'"{weights}"', "max_tokens": 8}
    told |= {"dtype": '"float32"', **more}
    told["encoder"] = f"'{expression(clap)}'"
    return f"raft:paper({', '.join(f'{k}={v}' for k, v in told.items())})"


@pytest.fixture(scope="module")
def raft(trained: Path, workshop: Workshop, clap: Path, vicuna: Path) -> Raft:
    return workshop.build("captioners", captioner(trained, clap, vicuna, choose="beam", beams=2))


def test_a_sound_above_30_seconds_gets_the_length_token(raft: Raft):
    with torch.no_grad():
        (short, _), (long, _) = raft.open([tone(29.0)]), raft.open([tone(31.0)])
    vectors = [-(-round(32 * s / 10 + 0.49) // 2) for s in (29.0, 31.0)]
    assert long.shape[1] - short.shape[1] == vectors[1] - vectors[0] + 1
    token = raft.model.connector.long
    assert any(torch.equal(vector, token) for vector in long[0])
    assert not any(torch.equal(vector, token) for vector in short[0])


def test_captions_do_not_depend_on_the_batch_nor_on_its_order(raft: Raft):
    clips = [tone(3.0, "a"), tone(35.0, "b"), tone(12.0, "c")]
    together = raft.caption(clips)
    alone = [raft.caption([clip])[0] for clip in clips]
    assert [c.tokens for c in together] == [c.tokens for c in alone]


def test_sampling_is_seeded_by_the_clip(trained, workshop, clap, vicuna):
    told = captioner(trained, clap, vicuna, choose="sample", beams=2)
    raft = workshop.build("captioners", told)
    clips = [tone(3.0, "a"), tone(4.0, "b")]
    together = [c.tokens for c in raft.caption(clips)]
    torch.manual_seed(99)
    assert [raft.caption([clip])[0].tokens for clip in clips] == together
    other = workshop.build("captioners", told.replace("max_tokens", "seed=5, max_tokens"))
    assert [c.tokens for c in other.caption(clips)] != together


def test_examples_are_heard_anew_as_frames(raft: Raft, workshop: Workshop):
    dataset = workshop.build("datasets", "soundbox-events")
    clip, other = dataset.clips("train")[:2]
    caption = dataset.annotations("train")[other.id].references[0]
    nothing = np.zeros(24, np.float32)
    example = Example(other.id, "soundbox-events/train", caption, 1.0, nothing, nothing)
    with torch.no_grad():
        prefix, _ = raft.open([clip], [[example]])
        bare, _ = raft.open([clip])
        heard = raft.model.hear(raft._hear([other])[0])
    prompt = len(raft.tokenizer.encode(raft.model.shape.examples_prompt))
    longer = prompt + len(heard) + len(raft.tokenizer.encode(caption))
    assert prefix.shape[1] == bare.shape[1] + longer
    torch.testing.assert_close(prefix[0, 1 + prompt :][: len(heard)], heard)


def test_an_encoder_without_frames_is_refused(
    vicuna: Path, clap: Path, workshop: Workshop, tmp_path
):
    with pytest.raises(BadOption) as caught:
        train(options(clap, vicuna, encoder="clap:mini"), workshop, tmp_path)
    assert "clap:mini" in caught.value.message


def test_another_language_model_is_refused(
    trained: Path, clap: Path, vicuna: Path, workshop: Workshop, tmp_path: Path
):
    model = LlamaForCausalLM.from_pretrained(vicuna)
    model.lm_head.weight.data[0] += 1
    model.save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((vicuna / name).read_bytes())
    with pytest.raises(BadData, match="another language model"):
        workshop.build("captioners", captioner(trained, clap, tmp_path))


def test_what_is_missing_is_named(alone: None, workshop: Workshop, clap: Path, tmp_path: Path):
    with pytest.raises(MissingAsset, match="lmsys/vicuna"):
        train(options(clap, Path("lmsys/vicuna-7b-v1.5")), workshop, tmp_path)
    with pytest.raises(MissingAsset) as caught:
        workshop.build("captioners", "raft:paper")
    assert "aacbench" in caught.value.hint


def test_the_paper_preset_has_the_papers_numbers():
    told = RaftTrainOptions(preset="paper")
    assert (told.align_epochs, told.align_rate, told.align_batch) == (5, 1e-4, 256)
    assert (told.tune_epochs, told.tune_rate, told.tune_batch) == (10, 1e-5, 128)
    assert (told.shots, told.fewest_shots, told.slower) == (5, 1, 0.1)
    assert (told.longest, told.long, told.curriculum) == (40.0, 30.0, True)
    assert catalog.choose("captioners", "raft:paper").options.choose == "sample"
    assert RaftOptions().choose == "beam"
