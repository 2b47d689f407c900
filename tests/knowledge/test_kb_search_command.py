"""`aacbench kb search`, `index`, `refine` and `similarity`, on real sounds and their captions."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aacbench.cli import main
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.building import encoder_fingerprint, write
from aacbench.knowledge.entries import Entry
from aacbench.types import Clip
from aacbench.workshop import Workshop

ENCODER = "clap:mini"


@pytest.fixture(scope="module")
def sounds(aacbench_shared: Path) -> list[Path]:
    return sorted((aacbench_shared / "data/audio/clotho_evaluation").glob("*.wav"))


@pytest.fixture(scope="module")
def captions(aacbench_shared: Path, sounds: list[Path]) -> dict[str, list[str]]:
    table = aacbench_shared / "data/captions/clotho/clotho_captions_evaluation.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = {row["file_name"]: row for row in csv.DictReader(file)}
    return {
        path.name: [rows[path.name][f"caption_{number}"] for number in range(1, 6)]
        for path in sounds
    }


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory, sounds: list[Path], captions: dict[str, list[str]]
) -> Path:
    """The five captions of each of Clotho's evaluation clips that are at hand, really embedded."""
    encoder = Workshop().build("encoders", ENCODER)
    heard = encoder.embed_audio([Clip(path.name, path) for path in sounds])
    said = encoder.embed_text([text for path in sounds for text in captions[path.name]])
    entries = [
        Entry(path.name, "clotho/evaluation", text)
        for path in sounds
        for text in captions[path.name]
    ]
    told = {
        "expression": ENCODER,
        "fingerprint": encoder_fingerprint(ENCODER),
        "dim": encoder.dim,
    }
    halves = (np.repeat(heard, 5, axis=0).astype(np.float16), said.astype(np.float16))
    out = tmp_path_factory.mktemp("kb") / "clips"
    return write(out, told, [(entries, *halves)]).path


class Said:
    """What a command printed, and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *words: object) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["aacbench", "kb", *map(str, words)])
        try:
            code = main()
        except SystemExit as ended:
            code = ended.code
        printed = self._capsys.readouterr()
        return int(code or 0), printed.out, printed.err

    def json(self, *words: object) -> Any:
        code, out, err = self(*words, "--json")
        assert code == 0, err
        return json.loads(out)


@pytest.fixture
def kb(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    return Said(capsys, monkeypatch)


def test_a_caption_finds_itself_first_and_a_sound_its_own_captions(
    kb: Said, base: Path, sounds: list[Path], captions: dict[str, list[str]]
) -> None:
    caption = captions[sounds[2].name][3]
    found = kb.json("search", base, "--text", caption, "-k", 3)
    assert found["way"] == "text-to-text"
    assert [one["rank"] for one in found["pairs"]] == [1, 2, 3]
    assert found["pairs"][0]["caption"] == caption
    assert found["pairs"][0]["score"] == pytest.approx(1.0, abs=1e-3)
    found = kb.json("search", base, "--sound", sounds[3])
    assert found["way"] == "audio-to-audio"
    assert [one["caption"] for one in found["pairs"]] == captions[sounds[3].name]
    found = kb.json("search", base, "--sound", sounds[3], "--text", caption, "--weight", 0.1)
    assert found["way"] == "pair-to-pair"
    assert found["pairs"][0]["caption"] == caption
    found = kb.json("search", base, "--sound", sounds[3], "--way", "audio-to-mixture", "-k", 99)
    assert len(found["pairs"]) == 5 * len(sounds)


def test_what_was_found_is_printed_as_a_table(kb: Said, base: Path, sounds: list[Path]) -> None:
    code, out, _ = kb("search", base, "--sound", sounds[0], "-k", 1)
    assert code == 0
    assert sounds[0].name in out
    assert "1.000" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing to look for"),
        (("--text", "a dog", "--way", "audio-to-audio"), "needs a sound"),
        (("--sound", "no.wav"), "no file no.wav"),
        (("--text", "a dog", "--how", "ivfpq"), "no index 'ivfpq'"),
        (("--text", "a dog", "--how", "quickly"), "'quickly'"),
        (("--text", "a dog", "--encoder", "clap:mini"), "has its encoder already"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_in_words(
    kb: Said, base: Path, words: tuple[str, ...], message: str
) -> None:
    code, out, err = kb("search", base, *words)
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err


def test_pair_to_pair_without_a_caption_says_what_to_add(
    kb: Said, base: Path, sounds: list[Path]
) -> None:
    code, _, err = kb("search", base, "--sound", sounds[0], "--way", "pair-to-pair")
    assert code == 2
    assert "--text" in err


def test_an_index_is_made_measured_and_searched_where_asked_for(kb: Said, base: Path) -> None:
    pytest.importorskip("faiss", reason="faiss-cpu is not installed")
    facts = kb.json("index", base, "--kind", "hnsw", "--set", "depth=40", "--set", "storage=flat")
    assert facts["settings"]["depth"] == 40
    assert facts["settings"]["storage"] == "flat"
    assert min(facts["recall_at_10"].values()) == 1.0
    exactly = kb.json("search", base, "--text", "rain on a roof", "--how", "exact")
    assert kb.json("search", base, "--text", "rain on a roof", "--how", "hnsw") == exactly
    code, out, err = kb("index", base, "--kind", "hnsw")
    assert code == 0
    assert "recall@10" in out
    assert "--how hnsw" in err
    code, _, err = kb("index", base, "--set", "depth")
    assert code == 2
    assert "--set probes=128" in err


def test_refining_says_what_it_dropped_and_what_that_does(
    kb: Said, base: Path, tmp_path: Path
) -> None:
    whole = KnowledgeBase.open(base)
    few = list(range(5))
    training = write(
        tmp_path / "training",
        whole.manifest["encoder"],
        [(whole.entries(few), *whole.vectors(few))],
    )
    out = tmp_path / "refined"
    found = kb.json("refine", base, "--by", training.path, "-k", 2, "--out", out)
    assert found["kept"] + found["dropped"] == len(whole)
    assert found["kept"] == len(KnowledgeBase.open(out)) >= 5
    assert len(found["datasets"]["clotho/evaluation"]["examples"]) == 5
    code, printed, _ = kb("refine", base, "--by", training.path, "-k", 2, "--out", out)
    assert code == 0
    assert f"{found['kept']} of {len(whole)} pairs kept" in printed
    assert "dropped of clotho/evaluation: " in printed
    code, _, err = kb("refine", base, "--by", training.path, "-k", 3, "--out", out)
    assert code == 2
    assert "made otherwise" in err


def test_similarity_compares_bases_on_clips_that_neither_holds(
    kb: Said, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    whole = KnowledgeBase.open(base)
    one = write(
        tmp_path / "one", whole.manifest["encoder"], [(whole.entries([7]), *whole.vectors([7]))]
    )
    words = ("similarity", base, one.path, "--target", "soundbox-events@validation", "--clips", 6)
    found = kb.json(*words, "-k", 3)
    assert 2 <= found["clips"] <= 6
    first, second = found["bases"]
    assert first["pairs"] == 25
    for way, sides in first["ways"].items():
        assert sides["audio"]["low"] <= sides["audio"]["mean"] <= sides["audio"]["high"]
        more, less = sides["audio"]["mean"], second["ways"][way]["audio"]["mean"]
        assert second["ways"][way]["audio_more"]["mean"] == pytest.approx(less - more, abs=1e-6)
    by_sound = {way: sides["audio"]["mean"] for way, sides in first["ways"].items()}
    assert max(by_sound, key=lambda way: by_sound[way]) == "audio-to-audio"
    # All ways find the only pair there is.
    assert len({sides["text"]["mean"] for sides in second["ways"].values()}) == 1
    code, printed, _ = kb(*words)
    assert code == 0
    assert "sound, more" in printed
    code, _, err = kb(*words[:-1], 2, "--target", f"folder(path='{tmp_path}')")
    assert code == 2
    assert "Traceback" not in err
