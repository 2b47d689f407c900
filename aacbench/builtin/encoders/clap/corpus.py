"""soundbox as `clap:mini` learns from it: log-mels on disk, events by frame, captions as vectors.

Rendering and analysing sound costs more than a pass of training, so it is done once, in order,
and kept in one file of half-precision frames.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aacbench.builtin.encoders.clap.mini import FRAME_STRIDE, SETTINGS
from aacbench.builtin.encoders.clap.text_space import TextSpace
from aacbench.provenance import identity

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.types import Annotation, Clip, Dataset

    Rows = npt.NDArray[np.float32]

SECONDS_A_FRAME = SETTINGS.hop / SETTINGS.rate
CHUNK = 32


@dataclass(frozen=True)
class Corpus:
    """Clips of one or more data sets, one after another.

    `mels` are (frames, bands), on disk until they are read; `texts` (captions, 384) are the
    references' vectors, clip i's from ``first_text[i]`` to ``first_text[i + 1]``. `events` holds
    (label, onset, offset) a clip; `event_set` numbers the distinct sets of labels.
    """

    mels: tuple[npt.NDArray[np.float16], ...]
    texts: Rows
    first_text: npt.NDArray[np.int64]
    events: tuple[tuple[tuple[int, float, float], ...], ...]
    event_set: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.mels)

    @property
    def frames(self) -> npt.NDArray[np.int64]:
        """(clips,) frames of each clip."""
        return np.array([len(mel) for mel in self.mels])

    def mean_texts(self) -> Rows:
        """(clips, 384) unit rows: the direction of the mean of each clip's references."""
        sums = np.add.reduceat(self.texts, self.first_text[:-1], axis=0)
        return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), np.float32)

    def presence(self, labels: int) -> npt.NDArray[np.bool_]:
        """(clips, labels): which kinds of event each clip holds."""
        table = np.zeros((len(self), labels), bool)
        for row, events in enumerate(self.events):
            table[row, [label for label, _, _ in events]] = True
        return table


def gather(
    datasets: Sequence[tuple[Dataset, str]],
    labels: Sequence[str],
    space: TextSpace,
    folder: Path,
    limit: int | None = None,
    workers: int = 1,
    report: Callable[[str], None] = lambda line: None,
) -> Corpus:
    """The corpus of some (data set, split) pairs; `folder` keeps the spectrograms."""
    mels: list[npt.NDArray[np.float16]] = []
    annotations: list[Annotation] = []
    texts: list[Rows] = []
    for dataset, split in datasets:
        known = dataset.annotations(split)
        clips = list(dataset.clips(split))[:limit]
        written = [known[clip.id] for clip in clips]
        annotations += written
        said = [text for annotation in written for text in annotation.references]
        texts.append(_vectors(said, space, folder, report))
        mels += spectrograms(clips, folder, workers, report)
    place = {label: number for number, label in enumerate(labels)}
    events = tuple(
        tuple((place[event.label], event.onset, event.offset) for event in annotation.events)
        for annotation in annotations
    )
    sets = [tuple(sorted({label for label, _, _ in several})) for several in events]
    numbers = {labels_of: number for number, labels_of in enumerate(sorted(set(sets)))}
    return Corpus(
        tuple(mels),
        np.concatenate(texts),
        np.cumsum([0, *(len(annotation.references) for annotation in annotations)]),
        events,
        np.array([numbers[labels_of] for labels_of in sets]),
    )


def _vectors(
    texts: Sequence[str], space: TextSpace, folder: Path, report: Callable[[str], None]
) -> Rows:
    """(texts, 384), kept in `folder` like the spectrograms."""
    digest = hashlib.sha256("\n".join(texts).encode())
    path = folder / f"texts-{digest.hexdigest()[:16]}.npy"
    if not path.is_file():
        report(f"embedding {len(texts)} captions")
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, space.embed(texts))
        os.replace(partial, path)
    return np.asarray(np.load(path))


def spectrograms(
    clips: Sequence[Clip], folder: Path, workers: int, report: Callable[[str], None]
) -> list[npt.NDArray[np.float16]]:
    """The clips' log-mels, parts of one memory map; rendered unless `folder` has them."""
    digest = hashlib.sha256(json.dumps(asdict(SETTINGS)).encode())
    for clip in clips:
        digest.update(f"{identity(clip)}\n".encode())
    path = folder / f"mels-{digest.hexdigest()[:16]}.f16"
    index = path.with_suffix(".json")
    if not index.is_file():
        _render(clips, path, index, workers, report)
    starts = np.cumsum([0, *json.loads(index.read_text(encoding="utf-8"))])
    mels = np.memmap(path, np.float16, "r", shape=(int(starts[-1]), SETTINGS.bands))
    return np.split(mels, starts[1:-1])


def _render(
    clips: Sequence[Clip], path: Path, index: Path, workers: int, report: Callable[[str], None]
) -> None:
    """Write frames, then the index, so that an index stands only beside whole frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lengths: list[int] = []
    with path.open("wb") as file:
        for chunk in _analysed(clips, workers):
            for mel in chunk:
                file.write(mel.tobytes())
                lengths.append(len(mel))
            report(f"analysed {len(lengths)} of {len(clips)} clips")
    partial = index.with_suffix(".partial")
    partial.write_text(json.dumps(lengths), encoding="utf-8")
    os.replace(partial, index)


def _analysed(clips: Sequence[Clip], workers: int) -> Iterator[list[npt.NDArray[np.float16]]]:
    chunks = [clips[start : start + CHUNK] for start in range(0, len(clips), CHUNK)]
    if workers == 1:
        yield from map(_analyse, chunks)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_one_thread) as pool:
        yield from pool.map(_analyse, chunks)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _analyse(clips: Sequence[Clip]) -> list[npt.NDArray[np.float16]]:
    import torch

    from aacbench import audio
    from aacbench.builtin.encoders.clap.mel import log_mel

    return [
        log_mel(torch.from_numpy(audio.waveform(clip, SETTINGS.rate)), SETTINGS).T.half().numpy()
        for clip in clips
    ]


def frame_targets(
    events: Sequence[tuple[int, float, float]], labels: int, steps: int
) -> npt.NDArray[np.float32]:
    """(labels, steps) 1 where an event sounds in a frame of the network, else 0."""
    targets = np.zeros((labels, steps), np.float32)
    seconds = SECONDS_A_FRAME * FRAME_STRIDE
    for label, onset, offset in events:
        first = int(onset / seconds)
        targets[label, first : max(first + 1, int(np.ceil(offset / seconds)))] = 1.0
    return targets
