"""AudioCaps v1 as its authors publish it: a CSV a split, and whatever sounds YouTube still gives.

Kim, Kim, Lee, Kim: AudioCaps: generating captions for audios in the wild (NAACL 2019). The list
``test_957`` is the part of the test split that most papers report on.
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
from aacbench.tables import Row, read_rows
from aacbench.types import Annotation, Clip

SPLITS = ("train", "val", "test", "test_957")
COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")
SHORT_LIST = ("file_name", *(f"caption_{number}" for number in range(1, 6)))
LAYOUT = """{root}/
    train.csv  val.csv  test.csv  test_957.csv
    train/  val/  test/    with <youtube_id>_<start second>.wav, Y<youtube_id>.wav or their kind"""
SECONDS = 10  # every clip is cut this long; some names carry the end too


class Options(BaseModel):
    """Where AudioCaps lies; by default the folder ``audiocaps`` of the data sets' folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path | None = None


SPEC = DatasetSpec(
    name="audiocaps",
    summary="10 s of YouTube sound from AudioSet, one caption (train) or five (val, test) each",
    version="1",
    paper="Kim et al., AudioCaps: generating captions for audios in the wild, NAACL-HLT 2019",
    licence="MIT, for academic purposes only (captions); the sounds are their uploaders'",
    options=Options,
    splits=SPLITS,
    default_split="test",
    train_split="train",
    derived_from=("audioset",),
    homepage="https://github.com/cdjkim/audiocaps",
    citation="@inproceedings{kim2019audiocaps, title={AudioCaps: generating captions for audios in "
    "the wild}, author={Kim, Chris Dongjoo and Kim, Byeongchang and Lee, Hyunmin and Kim, Gunhee}, "
    "booktitle={NAACL-HLT}, year={2019}}",
)


class AudioCaps:
    """Clips in the order of their first row; a clip's id is ``<youtube_id>_<start second>``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._annotations = cache(self._read_annotations)
        if not root.is_dir():
            raise self._missing(root)

    def clips(self, split: str) -> Sequence[Clip]:
        """Those that have a sound file under one of the names in use."""
        annotations = self.annotations(split)
        folder = "test" if split == "test_957" else split
        sounds = SoundFolder([self._root / folder, self._root / "audio" / folder])
        clips = []
        for clip_id, annotation in annotations.items():
            if path := sounds.stem(_file_stems(clip_id)):
                clips.append(Clip(clip_id, path, source_id=annotation.source_id))
        return clips

    def annotations(self, split: str) -> Mapping[str, Annotation]:
        """References by clip; the source is ``youtube:ID:START``."""
        if split not in SPLITS:
            raise BadOption(f"audiocaps has no split {split!r}", nearest(split, SPLITS))
        return self._annotations(split)

    def _read_annotations(self, split: str) -> Mapping[str, Annotation]:
        if split == "test_957":
            return self._short_list()
        captions: dict[tuple[str, str], list[str]] = {}
        for row in read_rows(self._table(split), COLUMNS):
            captions.setdefault(_video(row), []).append(row.cells["caption"])
        return {
            f"{video}_{start}": Annotation(tuple(texts), source_id=f"youtube:{video}:{start}")
            for (video, start), texts in captions.items()
        }

    def _short_list(self) -> Mapping[str, Annotation]:
        """The short list names videos alone; the test split tells where in them the clips start."""
        clips = {clip_id.rpartition("_")[0]: clip_id for clip_id in self.annotations("test")}
        found: dict[str, Annotation] = {}
        for row in read_rows(self._table("test_957"), SHORT_LIST):
            name = row.cells["file_name"]
            clip_id = clips.get(Path(name).stem.removeprefix("Y")) or clips.get(Path(name).stem)
            if clip_id is None or clip_id in found:
                wrong = "is not in test.csv" if clip_id is None else "stands in the list twice"
                raise BadData(f"{row.place}: {name!r} {wrong}")
            source = self.annotations("test")[clip_id].source_id
            texts = tuple(row.cells[column] for column in SHORT_LIST[1:])
            found[clip_id] = Annotation(texts, source_id=source)
        return found

    def _table(self, split: str) -> Path:
        table = self._root / f"{split}.csv"
        if not table.is_file():
            raise self._missing(table)
        return table

    def _missing(self, what: Path) -> MissingAsset:
        return MissingAsset(
            f"AudioCaps is not at hand: there is no {what}",
            f"Get the CSVs from {SPEC.homepage} and lay them out as\n"
            f"{LAYOUT.format(root=self._root)}\n"
            "or name the folder above it: export AACBENCH_DATA=/folder/of/data/sets",
        )


def create(choice: Choice, context: Context) -> AudioCaps:
    """The data set of `choice`; `MissingAsset` says what to put where."""
    options: Any = choice.options or Options()
    return AudioCaps((options.root or data_home() / "audiocaps").expanduser())


def _video(row: Row) -> tuple[str, str]:
    """YouTube id and start second, checked, since the clip's id and source are made of them."""
    video, start = row.cells["youtube_id"], row.cells["start_time"]
    if not video or not start.isdecimal():
        raise BadData(
            f"{row.place}: youtube_id {video!r} with start_time {start!r}, "
            "where an id and whole seconds were expected"
        )
    return video, str(int(start))


def _file_stems(clip_id: str) -> list[str]:
    """The names, without suffix, under which downloaders keep a clip; the most exact first."""
    video, _, second = clip_id.rpartition("_")
    start = int(second)
    spans = (
        f"_{start}",
        f"_{start}_{start + SECONDS}",
        f"_{start * 1000}_{(start + SECONDS) * 1000}",
        "",
    )
    return [f"{prefix}{video}{span}" for span in spans for prefix in ("", "Y")]
