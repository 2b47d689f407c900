"""Clotho's and AudioCaps' captions in other styles, by GPT-4 (Deshmukh et al., table 4)."""

import re
from collections.abc import Iterator
from dataclasses import replace

from aacbench.builtin.datasets import audiocaps, clotho
from aacbench.builtin.datasets.youtube import youtube_entry
from aacbench.listed import Entry, Lists, listed
from aacbench.specs import Contents, DatasetSpec, Factory

STYLES = ("humorous", "uplifting")
REFERENCES = tuple(f"style_{column}" for column in clotho.REFERENCES)
COLUMNS = ("audiocap_id", "youtube_id", "start_time", "style_caption")
CLOTHO_HUMOROUS = {
    "development": Contents(
        3839,
        19195,
        (12.15, 3.0),
        "c01a23627dc16b038f24c95b58e5576232b2f99a14052cd1a663b50eb6df7d57",
    ),
    "validation": Contents(
        1045, 5225, (12.3, 3.19), "4e90e933b40bc5a1ab9c9fb6b9c0d454ef59dc1e7e7a9f8833032e19774d4c2e"
    ),
    "evaluation": Contents(
        1045,
        5225,
        (12.39, 2.95),
        "0e1aeff1ceb3905ffe3d7a3f9e16275c1ea116774cd8dc57dd25160be8e2ec90",
    ),
}
VIDEO = re.compile(r"[\w-]{11}")


def _styled(spec: DatasetSpec, style: str, table: str, splits: tuple[str, ...]) -> DatasetSpec:
    return replace(
        spec,
        name=f"{spec.name}-{style}",
        summary=f"{spec.name} with {style} captions, for training on text",
        version="1",
        paper="Deshmukh et al., Training audio captioning models without audio, ICASSP 2024",
        licence="CDLA-Permissive-2.0 (captions)",
        splits=splits,
        derived_from=(spec.name, *spec.derived_from),
        homepage="https://github.com/microsoft/NoAudioCaptioning",
        citation="@inproceedings{deshmukh2024training, title={Training Audio Captioning Models "
        "without Audio}, author={Deshmukh, Soham and Elizalde, Benjamin and Emmanouilidou, Dimitra "
        "and Raj, Bhiksha and Singh, Rita and Wang, Huaming}, booktitle={ICASSP}, year={2024}}",
        tags=("sound", "written by a language model", style),
        contents=CLOTHO_HUMOROUS if (spec.name, style) == ("clotho", "humorous") else {},
        layout=(table, f"and, where sounds are wanted, those of ../{spec.name}"),
    )


def read_clotho(lists: Lists, split: str) -> Iterator[Entry]:
    """Clips, names and sources are Clotho's, whose metadata is read where it lies beside."""
    table, metadata = f"clotho_captions_style_{split}.csv", f"clotho_metadata_{split}.csv"
    yield from clotho.entries(lists, table, metadata, REFERENCES)


def read_audiocaps(lists: Lists, split: str) -> Iterator[Entry]:
    """Clips are AudioCaps'; a spreadsheet has put ``#NAME?`` in the place of some videos, and
    their captions go by their own number, without a source."""
    for row in lists.rows(f"style_{split}.csv", COLUMNS):
        number, video, start, caption = (row.cells[column] for column in COLUMNS)
        if VIDEO.fullmatch(video):
            yield youtube_entry(row.place, video, start, (caption,))
        else:
            yield Entry(f"audiocap_{number}", (caption,), place=row.place)


def _datasets(style: str) -> Iterator[tuple[DatasetSpec, Factory]]:
    tops = ("", f"{style.title()}/", f"Style/{style.title()}/")
    table = "clotho_captions_style_{split}.csv"
    spec = _styled(clotho.SPEC, style, table, clotho.SPEC.splits)
    beside = ("../clotho", "../clotho/clotho_csv_files")
    folders = (*tops, *(f"{top}Clotho" for top in tops), *beside)
    sounds = ("{split}", "../clotho/{split}", "../clotho/clotho_audio_files/{split}")
    yield spec, listed(spec, read_clotho, sounds, folders=folders)
    spec = _styled(audiocaps.SPEC, style, "style_{split}.csv", ("train", "val", "test"))
    folders = (*tops, *(f"{top}AudioCaps" for top in tops))
    sounds = ("{split}", "../audiocaps/{split}", "../audiocaps/audio/{split}")
    yield spec, listed(spec, read_audiocaps, sounds, folders=folders, repeats=True)


DATASETS = tuple(dataset for style in STYLES for dataset in _datasets(style))
