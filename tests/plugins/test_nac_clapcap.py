"""Clapcap's public layout, with random weights under the real names, read into `nac`."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from gpt2_folder import WIDTH, expression
from prefix_files import gpt2_tensors, transformer_mapper
from torch import Tensor
from torch.nn import functional

from aacbench.errors import BadData
from aacbench.types import Clip
from aacbench.workshop import Workshop
from aacbench_nac import clapcap
from aacbench_nac.captioner import Nac
from aacbench_nac.options import NacOptions
from aacbench_nac.words import Gpt2Tokenizer

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(scope="module")
def workshop(alone: None) -> Workshop:
    return Workshop()


def clapcap_tensors(dim: int, vocabulary: int) -> dict[str, Any]:
    """Random tensors under the public file's names: `dim` to 40 positions of `WIDTH`."""
    torch.manual_seed(3)
    return {
        "clap.base.htsat.bn0.num_batches_tracked": torch.tensor(7),
        "clap.projection.linear1.weight": torch.randn(4, 4),
        **transformer_mapper("clap_project", dim),
        **gpt2_tensors(vocabulary),
    }


def as_clapcap_maps(tensors: Mapping[str, Tensor], embedding: Tensor) -> Tensor:
    """Clapcap's mapping network, written down from its layout: (batch, 40, width)."""

    def linear(name: str, x: Tensor) -> Tensor:
        bias = tensors.get(f"{name}.bias")
        return functional.linear(x, tensors[f"{name}.weight"], bias)

    def norm(name: str, x: Tensor) -> Tensor:
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return functional.layer_norm(x, (WIDTH,), weight, bias)

    batch = len(embedding)
    heard = linear("clap_project.linear", embedding).view(batch, 40, WIDTH)
    x = torch.cat([heard, tensors["clap_project.prefix_const"].expand(batch, -1, -1)], 1)
    for layer in range(8):
        place = f"clap_project.transformer.layers.{layer}"
        inner = norm(f"{place}.norm1", x)
        queries = linear(f"{place}.attn.to_queries", inner).view(batch, 80, 8, -1)
        both = linear(f"{place}.attn.to_keys_values", inner).view(batch, 80, 2, 8, -1)
        weights = torch.einsum("bnhd,bmhd->bhnm", queries, both[:, :, 0])
        weights = (weights / math.sqrt(WIDTH // 8)).softmax(-1)
        mixed = torch.einsum("bhnm,bmhd->bnhd", weights, both[:, :, 1]).reshape(batch, 80, WIDTH)
        x = x + linear(f"{place}.attn.project", mixed)
        hidden = linear(f"{place}.mlp.fc1", norm(f"{place}.norm2", x)).relu()
        x = x + linear(f"{place}.mlp.fc2", hidden)
    return x[:, 40:]


@pytest.fixture(scope="module")
def public(gpt2: Path) -> dict[str, Any]:
    return clapcap_tensors(384, Gpt2Tokenizer.read(gpt2).size)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_clapcaps_layout_computes_what_clapcap_computes_and_captions_real_sounds(
    public: dict[str, Any],
    gpt2: Path,
    clips: list[Clip],
    workshop: Workshop,
    tmp_path: Path,
    zipped: bool,
):
    path = tmp_path / "clapcap_weights_2023.pth"
    torch.save({"model": public}, path, _use_new_zipfile_serialization=zipped)
    nac = workshop.build("captioners", expression(path, gpt2))
    heard = torch.from_numpy(nac.encoder.embed_audio(clips))
    with torch.no_grad():
        torch.testing.assert_close(
            nac.open(clips), as_clapcap_maps(public, heard), rtol=1e-4, atol=1e-4
        )
    stored = public["gpt.transformer.h.1.attn.c_attn.bias"]
    assert torch.equal(nac.model.language_model.transformer.h[1].attn.c_attn.bias, stored)
    assert nac.tokenizer.end == Gpt2Tokenizer.read(gpt2, " <|endoftext|>").end
    captions = nac.caption(clips)
    assert all(caption.text and caption.score < 0 for caption in captions)
    ended = workshop.build("captioners", expression(path, gpt2, end="'<|endoftext|>'"))
    assert ended.tokenizer.end == Gpt2Tokenizer.read(gpt2).end


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"clap_project.transformer.layers.3.mlp.fc2.bias": None}, "missing .*layers.3.mlp.fc2"),
        ({"gpt.transformer.h.0.ln_2.weight": None}, r"missing .*h\.0\.ln_2\.weight"),
        (
            {"clap_project.transformer.layers.0.attn.to_queries.bias": torch.zeros(WIDTH)},
            "no place .*to_queries.bias",
        ),
        ({"gpt.transformer.h.0.attn.surprise": torch.zeros(1)}, "no place .*attn.surprise"),
        ({"clap_project.prefix_const": torch.zeros(20, WIDTH)}, "are not 20 constants"),
        ({"gpt.lm_head.weight": torch.zeros(3, WIDTH)}, "head is not its embedding"),
    ],
)
def test_tensors_that_are_not_clapcaps_are_named(
    public: dict[str, Any], tmp_path: Path, change: dict[str, Any], told: str
):
    changed = {name: tensor for name, tensor in {**public, **change}.items() if tensor is not None}
    torch.save({"model": changed}, tmp_path / "other.pth")
    with pytest.raises(BadData, match=told):
        clapcap.read(tmp_path / "other.pth")


class Touch:
    """What a pickle may do to the machine that loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_file_that_would_run_something_is_refused_and_nothing_runs(tmp_path: Path):
    torch.save(
        {"model": {"clap_project.prefix_const": Touch(tmp_path / "ran")}}, tmp_path / "x.pth"
    )
    with pytest.raises(BadData, match="cannot be read"):
        clapcap.read(tmp_path / "x.pth")
    assert not (tmp_path / "ran").exists()
    (tmp_path / "y.pth").write_bytes(b"no weights at all")
    with pytest.raises(BadData, match="cannot be read"):
        clapcap.read(tmp_path / "y.pth")


def test_clapcap_must_have_gpt2s_own_words(gpt2: Path, tmp_path: Path, public: dict[str, Any]):
    """Pieces numbered otherwise would give fluent nonsense, so the public file asks for its own."""
    rows = {**public, "gpt.transformer.wte.weight": torch.zeros(50257, WIDTH)}
    del rows["gpt.lm_head.weight"]
    torch.save({"model": rows}, tmp_path / "full.pth")
    _, config = clapcap.read(tmp_path / "full.pth")
    assert config["language_model"]["tokenizer"] == clapcap.GPT2_TOKENIZER
    assert Gpt2Tokenizer.read(gpt2).identity != clapcap.GPT2_TOKENIZER
    encoder = type("Ears", (), {"dim": 384})()
    with pytest.raises(BadData, match="another tokenizer"):
        Nac.load(tmp_path / "full.pth", encoder, NacOptions(language_model=gpt2), "cpu")
