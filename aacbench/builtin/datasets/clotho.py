"""Clotho v2.1 as its authors publish it: CSVs of captions and metadata, a folder of wav a split.

Drossos, Lipping, Virtanen: Clotho: an audio captioning dataset (ICASSP 2020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from aacbench.assets import data_home
from aacbench.builtin.datasets.sounds import SoundFolder
from aacbench.errors import BadData, BadOption, MissingAsset, nearest
from aacbench.specs import Choice, Context, DatasetSpec
from aacbench.tables import read_rows
from aacbench.types import Annotation, Clip

SPLITS = ("development", "validation", "evaluation")
REFERENCES = tuple(f"caption_{number}" for number in range(1, 6))
LAYOUT = """{root}/
    clotho_captions_{split}.csv  clotho_metadata_{split}.csv
    {split}/*.wav"""


class Options(BaseModel):
    """Where Clotho lies; by default the folder ``clotho`` of the data sets' folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path | None = None


SPEC = DatasetSpec(
    name="clotho",
    summary="15 to 30 s of Freesound recordings with five captions each (v2.1)",
    version="2.1",
    paper="Drossos et al., Clotho: an audio captioning dataset, ICASSP 2020",
    licence="Tampere University licence (captions, non-commercial); Creative Commons (sounds)",
    options=Options,
    splits=SPLITS,
    default_split="evaluation",
    train_split="development",
    derived_from=("freesound",),
    homepage="https://zenodo.org/records/4783391",
    citation="@inproceedings{drossos2020clotho, title={Clotho: an audio captioning dataset}, "
    "author={Drossos, Konstantinos and Lipping, Samuel and Virtanen, Tuomas}, "
    "booktitle={ICASSP}, pages={736--740}, year={2020}}",
)


class Clotho:
    """The clips of a split in the order of its captions CSV; a clip's id is its file name."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._annotations = cache(self._read_annotations)
        if not root.is_dir():
            raise self._missing(root, SPEC.default_split)

    def clips(self, split: str) -> Sequence[Clip]:
        """Those whose wav (or another sound file of that stem) lies in the split's folder."""
        annotations = self.annotations(split)
        sounds = SoundFolder([self._root / split, self._root / "clotho_audio_files" / split])
        clips = []
        for name, annotation in annotations.items():
            if path := _sound(sounds, name):
                clips.append(Clip(name, path, source_id=annotation.source_id))
        return clips

    def annotations(self, split: str) -> Mapping[str, Annotation]:
        """Five references a clip; the source is ``freesound:ID`` where the metadata know it."""
        if split not in SPLITS:
            raise BadOption(f"clotho has no split {split!r}", nearest(split, SPLITS))
        return self._annotations(split)

    def _read_annotations(self, split: str) -> Mapping[str, Annotation]:
        table = self._table(f"clotho_captions_{split}.csv")
        if table is None:
            raise self._missing(self._root / f"clotho_captions_{split}.csv", split)
        sources = self._sources(split)
        annotations: dict[str, Annotation] = {}
        for row in read_rows(table, ("file_name", *REFERENCES)):
            name = row.cells["file_name"]
            if name in annotations:
                raise BadData(f"{row.place}: {name!r} stands in the file a second time")
            references = tuple(row.cells[column] for column in REFERENCES)
            annotations[name] = Annotation(references, source_id=sources.get(name))
        return annotations

    def _sources(self, split: str) -> dict[str, str]:
        """File name to Freesound id; some recordings have left Freesound ("Not found")."""
        table = self._table(f"clotho_metadata_{split}.csv")
        if table is None:
            return {}
        rows = read_rows(table, ("file_name", "sound_id"))
        return {
            row.cells["file_name"]: f"freesound:{row.cells['sound_id']}"
            for row in rows
            if row.cells["sound_id"].isdecimal()
        }

    def _table(self, name: str) -> Path | None:
        """An official CSV, beside the sounds or in the folder that aac-datasets makes."""
        places = (self._root / name, self._root / "clotho_csv_files" / name)
        return next((place for place in places if place.is_file()), None)

    def _missing(self, what: Path, split: str) -> MissingAsset:
        return MissingAsset(
            f"Clotho is not at hand: there is no {what}",
            f"Get it from {SPEC.homepage} and lay it out as\n"
            f"{LAYOUT.format(root=self._root, split=split)}\n"
            "or name the folder above it: export AACBENCH_DATA=/folder/of/data/sets",
        )


def create(choice: Choice, context: Context) -> Clotho:
    """The data set of `choice`; `MissingAsset` says what to put where."""
    options: Any = choice.options or Options()
    return Clotho((options.root or data_home() / "clotho").expanduser())


def _sound(sounds: SoundFolder, name: str) -> Path | None:
    """The file of a listed name. Some names begin with a space, which unpacking may have lost."""
    for spelling in (name, name.strip()):
        stem = spelling.removesuffix(".wav")
        if path := sounds.exact(spelling) or sounds.stem([stem]):
            return path
    return None
