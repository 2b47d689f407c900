"""Training twice gives the same bytes, also when the first half was another process's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aacbench.errors import BadData, BadOption
from aacbench.training import (
    CHECKPOINT,
    FitReport,
    FitSettings,
    fit,
    forget,
    load_weights,
    save_weights,
    seed_everything,
    train_parts,
)
from aacbench.workshop import Workshop

SETTINGS = FitSettings(50, 1e-2, warmup=5, weight_decay=0.01, seed=3, checkpoint_every=10)


class Killed(Exception):
    """Stands for a kill between two steps."""


def make_model() -> nn.Module:
    seed_everything(SETTINGS.seed)
    return nn.Sequential(nn.Linear(8, 32), nn.Dropout(0.2), nn.ReLU(), nn.Linear(32, 4))


def draw(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.default_rng([SETTINGS.seed, step])
    inputs = random.standard_normal((16, 8), dtype=np.float32)
    return torch.from_numpy(inputs), torch.from_numpy(inputs[:, :4] ** 2)


def loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    return nn.functional.mse_loss(model(batch[0]), batch[1])


def train(out: Path, settings: FitSettings = SETTINGS, stop_at: int | None = None) -> FitReport:
    """Train into ``out/model.safetensors``; `stop_at` is the step at which it is killed."""

    def watched(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        if step == stop_at:
            raise Killed
        return draw(step)

    model = make_model()
    report = fit(model, watched, loss, settings, out, device="cpu")
    save_weights(model.state_dict(), out / "model.safetensors", {"width": 32}, torch.float32)
    return report


def test_two_trainings_give_the_same_bytes_and_learn(tmp_path: Path):
    losses = [train(tmp_path / name).losses for name in "ab"]
    first, second = (tmp_path / name / "model.safetensors" for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    assert losses[0] == losses[1]
    with torch.no_grad():
        before = float(loss(make_model().eval(), draw(10_000)))
        after_model = make_model().eval()
        after_model.load_state_dict(load_weights(first)[0])
        assert float(loss(after_model, draw(10_000))) < before


def test_another_seed_gives_other_bytes(tmp_path: Path):
    train(tmp_path / "a")
    train(tmp_path / "b", FitSettings(50, 1e-2, 5, 0.01, seed=4))
    first, second = (tmp_path / name / "model.safetensors" for name in "ab")
    assert first.read_bytes() != second.read_bytes()


RESUME = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_training
report = test_training.train(Path(sys.argv[2]))
print(report.resumed_at)
"""


@pytest.mark.parametrize("stop_at", [27, 30])
def test_a_killed_training_goes_on_in_another_process_to_the_same_bytes(
    tmp_path: Path, stop_at: int
):
    train(tmp_path / "unbroken")
    with pytest.raises(Killed):
        train(tmp_path / "killed", stop_at=stop_at)
    assert (tmp_path / "killed" / CHECKPOINT).is_file()
    command = [sys.executable, "-c", RESUME, str(Path(__file__).parent), str(tmp_path / "killed")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == stop_at // 10 * 10
    unbroken, resumed = (tmp_path / n / "model.safetensors" for n in ("unbroken", "killed"))
    assert resumed.read_bytes() == unbroken.read_bytes()
    assert (tmp_path / "killed" / CHECKPOINT).is_file(), "lost before the weights were safe"
    forget(tmp_path / "killed")
    assert not (tmp_path / "killed" / CHECKPOINT).exists()


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path):
    with pytest.raises(Killed):
        train(tmp_path, stop_at=20)
    with pytest.raises(BadData, match="other settings") as caught:
        train(tmp_path, FitSettings(60, 1e-2, warmup=5, weight_decay=0.01, seed=3))
    assert str(tmp_path / CHECKPOINT) in caught.value.hint


def test_only_the_parameters_named_learn(tmp_path: Path):
    model = make_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fit(model, draw, loss, SETTINGS, tmp_path, iter(model[3].parameters()), device="cpu")
    after = model.state_dict()
    assert torch.equal(after["0.weight"], before["0.weight"])
    assert not torch.equal(after["3.weight"], before["3.weight"])
    assert not model.training, "a trained model is left ready for use"


@pytest.mark.parametrize(
    ("schedule", "middle", "last"),
    [("constant", 1.0, 1.0), ("linear", 0.5, 0.05), ("cosine", 0.5, 0.00616)],
)
def test_the_learning_rate_warms_up_and_decays_as_named(schedule, middle, last):
    settings = FitSettings(30, 1.0, warmup=10, schedule=schedule)
    assert [settings.rate_at(step) for step in (0, 4, 9)] == [0.1, 0.5, 1.0]
    assert settings.rate_at(10) == 1.0
    assert settings.rate_at(20) == pytest.approx(middle)
    assert settings.rate_at(29) == pytest.approx(last, abs=1e-4)


def test_progress_is_told_at_the_end_at_the_latest(tmp_path: Path):
    told: list[tuple[int, int, float]] = []
    model = make_model()
    fit(
        model,
        draw,
        loss,
        SETTINGS,
        tmp_path,
        report=lambda *now: told.append(now),
        device="cpu",
    )
    assert told[-1][:2] == (50, 50)


def test_saved_weights_come_back_in_the_type_they_were_kept_in(tmp_path: Path):
    tensors = {"b": torch.tensor([1.5, 1e-3]), "a": torch.tensor([3], dtype=torch.int64)}
    digests = {
        save_weights(dict(order), tmp_path / "w.safetensors", {"z": 1, "y": [2]})
        for order in (tensors.items(), reversed(tensors.items()))
    }
    assert len(digests) == 1
    found, config = load_weights(tmp_path / "w.safetensors")
    assert config == {"z": 1, "y": [2]}
    assert found["a"].dtype == torch.int64
    assert torch.equal(found["b"], tensors["b"].half().float())


def test_training_parts_are_named_by_data_set_and_split():
    workshop: Any = Workshop()
    parts = train_parts(workshop, "soundbox-events + soundbox-scenes@validation")
    assert [(name, split) for name, _, split in parts] == [
        ("soundbox-events", "train"),
        ("soundbox-scenes", "validation"),
    ]
    with pytest.raises(BadOption) as caught:
        train_parts(workshop, "folder(path=/tmp)")
    assert "folder@SPLIT" in caught.value.hint
