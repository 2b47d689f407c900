"""Checkpoints of the published CLAPs' form, with random weights and narrow towers.

The names of weights are written down here anew, from the published code's point of view, and not
taken from the tables that the loader reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from torch import Tensor, nn

from aacbench.builtin.encoders.clap.paper.front import mel_bank
from aacbench.builtin.encoders.clap.paper.sizes import Model, model, resized
from aacbench.builtin.encoders.clap.paper.towers import LaionTowers, MicrosoftTowers
from aacbench.types import Clip

AUDIO = {
    "patch_embeds_hidden_size": 8,
    "hidden_size": 64,
    "depths": [2, 2, 2, 2],
    "num_attention_heads": [1, 2, 2, 4],
}
ROBERTA = {
    "vocab_size": 400,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 90,
}
GPT = {"vocab_size": 400, "n_positions": 96, "n_embd": 32, "n_layer": 2, "n_head": 2}
CAPTIONS = (
    "A dog barks while rain falls on a metal roof.",
    "Birds are singing in the background and a car passes by!",
    "someone is typing on a keyboard, then a door slams",
    "water running",
)


def scrambled(network: nn.Module, seed: int = 0) -> nn.Module:
    """Every learnt number at random, so that two weights put in each other's place are noticed."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if tensor.ndim > 1:
            tensor.copy_(noise / tensor[0].numel() ** 0.5)
        else:  # a norm's scale, or something that is added
            scales = name.endswith(("weight", "running_var"))
            tensor.copy_(float(scales) + 0.05 * noise)
    return network.eval().requires_grad_(False)


def original_htsat(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An audio tower's weights as the published code names them, with all else that it saves."""
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if ".attention.self.query." in name:
            stack = [state[name.replace("query", part)] for part in ("query", "key", "value")]
            found[name.replace("attention.self.query", "attn.qkv")] = torch.cat(stack)
        elif ".attention.self.key." in name or ".attention.self.value." in name:
            continue
        elif ".attention." in name:
            name = name.replace("attention.self.", "attn.")
            found[name.replace("attention.output.dense", "attn.proj")] = tensor
        else:
            name = name.replace("intermediate.dense", "mlp.fc1").replace("output.dense", "mlp.fc2")
            name = name.replace("layernorm_before", "norm1").replace("layernorm_after", "norm2")
            found[name.replace("batch_norm", "bn0")] = tensor
    width = found["norm.weight"].shape[0]
    for stage in range(3):  # the last stage is no larger than one window and is not shifted
        found[f"layers.{stage}.blocks.1.attn_mask"] = torch.zeros(4, 64, 64)
    found |= {
        "tscam_conv.weight": torch.randn(527, width, 2, 3),
        "tscam_conv.bias": torch.randn(527),
        "head.weight": torch.randn(527, 527),
        "head.bias": torch.randn(527),
        "spectrogram_extractor.stft.conv_real.weight": torch.randn(513, 1, 1024),
        "spectrogram_extractor.stft.conv_imag.weight": torch.randn(513, 1, 1024),
    }
    return found


def below(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The part of a state below a prefix, without it."""
    return {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}


def laion_state(towers: LaionTowers, bank: Tensor) -> dict[str, Tensor]:
    """What ``state_dict`` of a LAION file holds."""
    ours = towers.clap.state_dict()
    audio = original_htsat(below(ours, "audio_model.audio_encoder."))
    audio["logmel_extractor.melW"] = bank
    found = {f"audio_branch.{name}": tensor for name, tensor in audio.items()}
    text = below(ours, "text_model.")
    text.pop("embeddings.token_type_ids")
    found |= {f"text_branch.{name}": tensor for name, tensor in text.items()}
    for side in ("audio", "text"):
        for layer, place in (("linear1", 0), ("linear2", 2)):
            for kind in ("weight", "bias"):
                tensor = ours[f"{side}_projection.{layer}.{kind}"]
                found[f"{side}_projection.{place}.{kind}"] = tensor
        for place in (0, 3):
            found[f"{side}_transform.sequential.{place}.weight"] = torch.randn(8, 8)
            found[f"{side}_transform.sequential.{place}.bias"] = torch.randn(8)
    found |= {name: ours[name] for name in ("logit_scale_a", "logit_scale_t")}
    return {f"module.{name}": tensor for name, tensor in found.items()}


def microsoft_state(towers: MicrosoftTowers, bank: Tensor) -> dict[str, Tensor]:
    """What ``model`` of CLAP_weights_2023.pth holds: floats throughout, old GPT-2 masks too."""
    ours = towers.state_dict()
    audio = original_htsat(below(ours, "audio_model.audio_encoder."))
    audio["logmel_extractor.melW"] = bank
    found = {f"audio_encoder.base.htsat.{name}": tensor for name, tensor in audio.items()}
    found |= {
        f"audio_encoder.projection.{n}": t for n, t in below(ours, "audio_projection.").items()
    }
    found |= {f"caption_encoder.base.{n}": t for n, t in below(ours, "text_model.").items()}
    found |= {
        f"caption_encoder.projection.{n}": t for n, t in below(ours, "text_projection.").items()
    }
    for layer in range(len(towers.text_model.h)):
        mask = torch.tril(torch.ones(1, 1, 96, 96))
        found[f"caption_encoder.base.h.{layer}.attn.bias"] = mask
        found[f"caption_encoder.base.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    found["logit_scale"] = torch.tensor(2.6592)
    return {name: tensor.float() for name, tensor in found.items()}


@pytest.fixture(scope="session")
def small_model() -> Callable[[str], Model]:
    """A published model's narrow twin, by name."""

    def narrow(name: str) -> Model:
        known = model(name)
        text = GPT if known.layout == "microsoft" else ROBERTA
        return replace(resized(known, AUDIO, text), dim=24)

    return narrow


@pytest.fixture(scope="session")
def published_state() -> Callable[[nn.Module, Tensor], dict[str, Tensor]]:
    """Scrambles towers, and gives their weights with the filters by their published names."""

    def state(towers: nn.Module, bank: Tensor) -> dict[str, Tensor]:
        write = microsoft_state if isinstance(towers, MicrosoftTowers) else laion_state
        return write(scrambled(towers), bank)

    return state


@pytest.fixture(scope="session")
def laion_towers(small_model: Callable[[str], Model]) -> Callable[[str], LaionTowers]:
    """LAION's towers with random weights, by the model's name."""
    return lambda name: scrambled(LaionTowers(small_model(name)))


@pytest.fixture(scope="session")
def laion_file(small_model, laion_towers, tmp_path_factory) -> Callable[[str], Path]:
    """A checkpoint as LAION's training saved it: weights below ``module.`` among other things."""
    import numpy as np

    def write(name: str) -> Path:
        known = small_model(name)
        content = {
            "epoch": 15,
            "name": "some-run",
            "state_dict": laion_state(laion_towers(name), mel_bank(known.front)),
            "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": []},
            "top_1": np.float64(0.9),
        }
        path = tmp_path_factory.mktemp("laion") / f"{name}.pt"
        torch.save(content, path)
        return path

    return write


@pytest.fixture(scope="session")
def microsoft_towers(small_model) -> MicrosoftTowers:
    """MS-CLAP's towers with random weights."""
    return scrambled(MicrosoftTowers(small_model("ms2023")))


@pytest.fixture(scope="session")
def microsoft_file(small_model, microsoft_towers, tmp_path_factory) -> Path:
    """A checkpoint of the form of CLAP_weights_2023.pth, whose filters end at 14 kHz."""
    front = replace(small_model("ms2023").front, rate=32_000, high=14_000)
    path = tmp_path_factory.mktemp("microsoft") / "CLAP_weights_2023.pth"
    torch.save({"model": microsoft_state(microsoft_towers, mel_bank(front))}, path)
    return path


def _trained(folder: Path, first: list[str], last: list[str]) -> Path:
    tokenizer = ByteLevelBPETokenizer()
    size = 390 - len(first) - len(last)
    tokenizer.train_from_iterator(CAPTIONS, vocab_size=size, min_frequency=1, show_progress=False)
    tokenizer.save_model(str(folder))
    pieces = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    order = [*first, *sorted(pieces, key=pieces.__getitem__), *last]
    numbered = {piece: number for number, piece in enumerate(order)}
    (folder / "vocab.json").write_text(json.dumps(numbered), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def roberta_folder(tmp_path_factory) -> Path:
    """``vocab.json`` and ``merges.txt`` numbered as RoBERTa does: marks first."""
    marks = ["<s>", "<pad>", "</s>", "<unk>"]
    return _trained(tmp_path_factory.mktemp("roberta"), marks, ["<mask>"])


@pytest.fixture(scope="session")
def gpt_folder(tmp_path_factory) -> Path:
    """``vocab.json`` and ``merges.txt`` numbered as GPT-2 does: ``!`` is 0, the end is last."""
    folder = _trained(tmp_path_factory.mktemp("gpt"), [], ["<|endoftext|>"])
    assert json.loads((folder / "vocab.json").read_text(encoding="utf-8"))["!"] == 0
    return folder


@pytest.fixture(scope="session")
def real_clips(aacbench_shared: Path) -> list[Clip]:
    """Real sounds: one shorter than any of the models hears at once, and one longer."""
    folder = aacbench_shared / "data" / "audio"
    short = min((folder / "esc10" / "001 - Dog bark").glob("*.ogg"))
    long = folder / "clotho_evaluation" / "Santa Motor.wav"
    return [Clip("short", short), Clip("long", long)]
