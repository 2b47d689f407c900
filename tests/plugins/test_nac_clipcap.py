"""ClipCap's public layouts, with random weights under the real names, read into `nac`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from gpt2_folder import WIDTH
from prefix_files import gpt2_tensors, mlp_mapper, transformer_mapper
from torch.nn import functional

from aacbench.errors import BadData
from aacbench_nac import clapcap, clipcap
from aacbench_nac.mlp_mapper import MlpMapper

DIM = 16


def made(mapper: dict[str, Any]) -> dict[str, Any]:
    return {**mapper, **gpt2_tensors(400)}


@pytest.fixture(scope="module")
def mlp() -> dict[str, Any]:
    torch.manual_seed(5)
    return made(mlp_mapper("clip_project", DIM))


@pytest.fixture(scope="module")
def transformer() -> dict[str, Any]:
    torch.manual_seed(6)
    return made(transformer_mapper("clip_project", DIM))


def saved(tensors: dict[str, Any], path: Path) -> Path:
    torch.save(tensors, path)
    return path


def test_the_mlp_computes_what_clipcap_computes(mlp: dict[str, Any], tmp_path: Path):
    tensors, config = clipcap.read(saved(mlp, tmp_path / "coco_weights.pt"))
    sizes = config["architecture"]
    mapper = MlpMapper(sizes["dim"], sizes["prefix"], sizes["width"])
    own = {name.removeprefix("mapper."): t for name, t in tensors.items() if "mapper." in name}
    mapper.load_state_dict(own)
    rows = 10 * torch.randn(3, DIM)
    first, last = (f"clip_project.model.{layer}" for layer in (0, 2))
    hidden = functional.linear(rows, mlp[f"{first}.weight"], mlp[f"{first}.bias"]).tanh()
    expected = functional.linear(hidden, mlp[f"{last}.weight"], mlp[f"{last}.bias"])
    torch.testing.assert_close(mapper(rows), expected.view(3, 10, WIDTH))
    stored = mlp["gpt.transformer.h.1.mlp.c_fc.weight"]
    assert torch.equal(tensors["language_model.transformer.h.1.mlp.c_fc.weight"], stored)


def test_the_transformer_is_clapcaps_network_under_another_name(
    transformer: dict[str, Any], tmp_path: Path
):
    tensors, config = clipcap.read(saved(transformer, tmp_path / "transformer_weights.pt"))
    renamed = {name.replace("clip_project.", "clap_project."): t for name, t in transformer.items()}
    twins, twin = clapcap.read(saved({"model": renamed}, tmp_path / "clapcap.pth"))
    assert tensors.keys() == twins.keys()
    assert all(torch.equal(tensor, twins[name]) for name, tensor in tensors.items())
    assert config["architecture"] == twin["architecture"]


def test_each_layout_says_how_long_the_rows_are_that_it_reads(
    mlp: dict[str, Any], transformer: dict[str, Any], tmp_path: Path
):
    """CLIP's rows as they are for the MLP, brought to unit length for the transformer: a mapping
    network that is given the other kind still speaks, of something else."""
    assert clipcap.read(saved(mlp, tmp_path / "a.pt"))[1]["unit"] is False
    _, config = clipcap.read(saved(transformer, tmp_path / "b.pt"))
    assert config["unit"] is True
    assert config["language_model"]["end"] == "."


def test_at_full_size_the_mlp_is_clipcaps():
    with torch.device("meta"):
        mapper = MlpMapper(512, 10, 768)
    assert sum(p.numel() for p in mapper.parameters()) == 31_468_800
    assert mapper.hidden.weight.shape == (3840, 512)
    assert mapper.out.weight.shape == (7680, 3840)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"clip_project.model.2.bias": None}, r"missing clip_project\.model\.2\.bias"),
        ({"gpt.transformer.h.1.ln_1.bias": None}, r"missing .*h\.1\.ln_1\.bias"),
        ({"clip_project.model.4.weight": torch.zeros(1)}, r"no place .*model\.4\.weight"),
        ({"clap.audio_encoder": torch.zeros(1)}, r"no place clap\.audio_encoder"),
        ({"clip_project.model.0.weight": torch.zeros(320 + 2, DIM)}, "322 and 640 rows"),
        ({"clip_project.model.2.weight": torch.zeros(641, 320)}, "320 and 641 rows"),
        ({"gpt.lm_head.weight": torch.zeros(3, WIDTH)}, "head is not its embedding"),
    ],
)
def test_tensors_that_are_not_clipcaps_are_named(
    mlp: dict[str, Any], tmp_path: Path, change: dict[str, Any], told: str
):
    changed = {name: tensor for name, tensor in {**mlp, **change}.items() if tensor is not None}
    with pytest.raises(BadData, match=told) as caught:
        clipcap.read(saved(changed, tmp_path / "other.pt"))
    assert "other.pt is not ClipCap" in caught.value.message
