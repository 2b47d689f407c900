"""`clap:paper` as a user meets it: what it says, what it asks for, and what it refuses."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aacbench import assets
from aacbench.builtin.encoders import clap
from aacbench.builtin.encoders.clap.paper import package, sizes
from aacbench.catalog import choose, fingerprint, trained_on
from aacbench.errors import BadOption, MissingAsset, MissingRequirement, UnknownName
from aacbench.workshop import Workshop

PRESET = clap.spec().presets["paper"]
PUBLISHED = [name for name in PRESET.sources if name != "file"]


@pytest.fixture
def no_assets(tmp_path, monkeypatch) -> Path:
    """A machine that has fetched nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AACBENCH_ASSETS", raising=False)
    return tmp_path / "cache/aacbench/assets"


def test_saying_what_there_is_loads_no_model_library():
    code = (
        "import sys; from aacbench.builtin.encoders.clap import spec; spec();"
        "from aacbench.catalog import choose; choose('encoders', 'clap:paper');"
        "print([m for m in ('torch', 'transformers', 'tokenizers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_papers_own_clap_is_the_default():
    choice = choose("encoders", "clap:paper")
    assert choice.source == "ms2023"
    assert choice.options.model == "ms2023"
    assert sizes.model("ms2023").dim == 1024


@pytest.mark.parametrize("source", PUBLISHED)
def test_every_source_names_a_model_its_files_and_what_it_heard(source):
    choice = choose("encoders", f"clap:paper@{source}")
    assert sizes.model(choice.options.model).name == source
    names = [name.removeprefix("asset:") for name in PRESET.sources[source].weights]
    assert set(names) <= set(assets.known())
    assert any(set(names) == set(members) for members in assets.groups().values())
    learnt = trained_on(choice)
    assert {"audiocaps/train", "clotho/development"} <= set(learnt.encoder)


def test_every_published_model_can_be_asked_for():
    assert set(sizes.models()) == set(PUBLISHED)
    with pytest.raises(UnknownName, match="laion-fused"):
        sizes.model("laion-fuzed")


@pytest.mark.parametrize("source", PUBLISHED)
def test_a_missing_checkpoint_says_which_from_where_how_large_and_how_to_get_it(source, no_assets):
    with pytest.raises(MissingAsset) as caught:
        Workshop().build("encoders", f"clap:paper@{source}")
    first = assets.known()[PRESET.sources[source].weights[0].removeprefix("asset:")]
    assert str(no_assets) in caught.value.message
    for part in (Path(first.path).name, f"{first.size / 1e6:,.1f} MB", first.licence, "https://"):
        assert part in caught.value.message
    group = next(line for line in assets.groups() if first.name in assets.groups()[line])
    assert f"aacbench data fetch {group}" in caught.value.hint


def test_a_checkpoint_of_ones_own_is_built_from_its_expression(
    laion_towers, roberta_folder, real_clips, tmp_path, no_assets
):
    folder = tmp_path / "mine"
    laion_towers("hub-unfused").clap.save_pretrained(folder)
    for file in roberta_folder.iterdir():
        shutil.copy(file, tmp_path)
    expression = f"clap:paper@file(path={folder}, tokenizer={tmp_path}, crop=middle)"
    encoder = Workshop().build("encoders", expression)
    rows = encoder.embed_audio(real_clips)
    assert rows.shape == (2, 24)
    assert np.isfinite(rows).all()
    assert encoder.embed_text(["rain"]).shape == (1, 24)
    choice = choose("encoders", expression)
    assert {"path", "tokenizer"} <= set(fingerprint(choice))
    assert trained_on(choice).encoder is None


def test_the_cut_and_the_seed_are_part_of_the_expression(tmp_path):
    written = choose("encoders", "clap:paper(crop=middle, seed=3)").expression
    assert "crop=middle" in written
    assert "seed=3" in written


def test_a_path_belongs_to_the_source_file(tmp_path):
    with pytest.raises(BadOption, match="'path' and the source '@file' go together"):
        Workshop().build("encoders", "clap:paper@file")


def test_the_package_of_the_authors_is_asked_for_where_it_is_missing(tmp_path):
    if importlib.util.find_spec("laion_clap"):
        pytest.skip("laion-clap is installed")
    with pytest.raises(MissingRequirement) as caught:
        package.build_package(tmp_path / "x.pt", sizes.model("laion-unfused"), "random", 0, "cpu")
    assert "'laion_clap' is not installed" in caught.value.message
    assert caught.value.hint == "pip install 'aacbench[laion-clap]'"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import torchvision_that_is_not_here", "'torchvision_that_is_not_here' is not installed"),
        ("raise ImportError('numpy is too new')", "does not import: numpy is too new"),
    ],
)
def test_what_the_authors_package_lacks_is_said(line, said, tmp_path, monkeypatch):
    (tmp_path / "laion_clap.py").write_text(line, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "laion_clap", raising=False)
    with pytest.raises(MissingRequirement, match=said):
        package.build_package(tmp_path, sizes.model("laion-unfused"), "random", 0, "cpu")


def test_the_authors_package_reads_only_their_own_files(tmp_path):
    with pytest.raises(BadOption, match=r"reads LAION's own \.pt files"):
        package.build_package(tmp_path, sizes.model("ms2023"), "random", 0, "cpu")
