"""Every clip against every caption, a block of clips at a time: both directions from one pass.

No more than a block of similarities is ever held. After each block the best of all captions so far
are put on disk: killed, it goes on with the block that was in hand. Blocks depend on the clips and
captions alone, so what was interrupted gives the same rankings as what was not.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aacbench import rankings
from aacbench.best import Best, Scores
from aacbench.errors import AacbenchError, BadAudio, PluginFault
from aacbench.rankings import DEPTH
from aacbench.types import Clip

CLIPS, TEXTS = 512, 16_384
"""Clips and captions that are compared at a time, at most."""

HELD = 1 << 25
"""Similarities held at a time: fewer clips make a block where captions are many."""

ENOUGH = 16
"""Clips on which a retriever fails from the start before the run is given up."""

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Said:
    """One caption: its id (`rankings.caption_id`), its clip's, and its text."""

    id: str
    clip_id: str
    text: str


class Crossing:
    """Ranks all `captions` for each of the `clips`, and these for each caption.

    `path` is a folder of its own for what a run that is killed goes on from. Captions that read the
    same are one text, which is compared once, so that their ties are exact.
    """

    def __init__(
        self,
        retriever: Any,
        name: str,
        clips: Sequence[Clip],
        captions: Sequence[Said],
        path: Path,
    ) -> None:
        self.path = path
        self._retriever, self._name = retriever, name
        self._clips, self._captions = clips, captions
        self._texts = list(dict.fromkeys(one.text for one in captions))
        place = {text: number for number, text in enumerate(self._texts)}
        self._text_of = np.array([place[one.text] for one in captions], dtype=np.int64)
        self._size = min(CLIPS, max(16, HELD // max(1, len(captions))))
        self._said = Best(len(self._texts), DEPTH)
        self._heard = False

    def run(self, report: Report | None = None) -> None:
        """Go through the blocks that are not done yet; `report(done, of)` after each.

        Raises `PluginFault` for similarities that are no numbers of the right shape, and where no
        clip can be heard.
        """
        clips = self._clips
        begin = self._load()
        for start in range(begin, len(clips), self._size):
            block = clips[start : start + self._size]
            if report and start == begin:
                report(start, len(clips))
            self._rank(start, block)
            if report:
                report(start + len(block), len(clips))

    def _rank(self, start: int, block: Sequence[Clip]) -> None:
        began = time.perf_counter()
        scores, failed = self._compared(block)
        self._heard = self._heard or len(failed) < len(block)
        found = Best(len(block), DEPTH)
        found.offer(scores[:, self._text_of], 0)
        self._said.offer(np.ascontiguousarray(scores.T), start)
        seconds = (time.perf_counter() - began) / len(block)
        reasons = np.array([failed.get(clip.id, "") for clip in block])
        _save(self._block(start), items=found.items, failed=reasons, seconds=np.array(seconds))
        # Last, for it says that the block is done.
        done = np.array([start + len(block), self._size, DEPTH])
        _save(self.path / "texts.npz", items=self._said.items, scores=self._said.scores, done=done)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of ``rankings.jsonl``: each clip's, then those of its captions."""
        clips = self._clips
        names = [one.id for one in self._captions]
        owned: dict[str, list[int]] = {}
        for at, one in enumerate(self._captions):
            owned.setdefault(one.clip_id, []).append(at)
        for start in range(0, len(clips), self._size):
            block = _opened(self._block(start))
            for offset, reason in enumerate(block["failed"].tolist()):
                clip = clips[start + offset].id
                if reason:
                    yield rankings.failed(clip, reason)
                    continue
                own = owned.get(clip, [])
                found = [names[at] for at in block["items"][offset].tolist() if at >= 0]
                seconds = float(block["seconds"])
                yield rankings.heard(clip, found, [names[at] for at in own], seconds)
                for at in own:
                    best = self._said.items[self._text_of[at]].tolist()
                    gallery = [clips[row].id for row in best if row >= 0]
                    yield rankings.said(names[at], clip, gallery)

    # --- what is kept on the way ---

    def _block(self, start: int) -> Path:
        return self.path / f"clips-{start:08d}.npz"

    def _load(self) -> int:
        """How many clips are done already, with what they left; of another form, none."""
        path = self.path / "texts.npz"
        if path.is_file():
            kept = _opened(path)
            done, size, depth = kept["done"].tolist()
            blocks = all(self._block(at).is_file() for at in range(0, done, self._size))
            if (size, depth, len(kept["items"])) == (
                self._size,
                DEPTH,
                len(self._texts),
            ) and blocks:
                self._said.items, self._said.scores = kept["items"], kept["scores"]
                self._heard = bool((self._said.items >= 0).any())
                return int(done)
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        return 0

    # --- similarities ---

    def _compared(self, block: Sequence[Clip]) -> tuple[Scores, dict[str, str]]:
        """(clips, texts), -inf for clips that cannot be heard, and why each of these cannot."""
        try:
            return self._similarities(block, self._texts), {}
        except Exception as error:
            if not _may_be_a_clip(error):
                raise
            failed = self._failing(block)
            if not failed:  # it fails on none of them alone
                raise
        scores = np.full((len(block), len(self._texts)), -np.inf, np.float32)
        sound = [row for row, clip in enumerate(block) if clip.id not in failed]
        if sound:
            scores[sound] = self._similarities([block[row] for row in sound], self._texts)
        return scores, failed

    def _failing(self, block: Sequence[Clip]) -> dict[str, str]:
        """Why clips cannot be heard, each tried alone; one that fails on all is broken."""
        failed: dict[str, str] = {}
        for clip in block:
            try:
                self._similarities([clip], self._texts[:1])
            except Exception as error:
                if not _may_be_a_clip(error):
                    raise
                failed[clip.id] = _told(error)
                tried = min(ENOUGH, len(block))
                if not self._heard and len(failed) == tried:
                    raise _broken(self._name, tried, error) from error
            else:
                self._heard = True
        return failed

    def _similarities(self, clips: Sequence[Clip], texts: Sequence[str]) -> Scores:
        parts = []
        for start in range(0, len(texts), TEXTS):
            some = texts[start : start + TEXTS]
            found = self._retriever.similarities(clips, some)
            parts.append(_checked(found, (len(clips), len(some)), self._name))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _may_be_a_clip(error: Exception) -> bool:
    """Whether an error may be one clip's: a sound that cannot be read, or whatever a model says."""
    return isinstance(error, BadAudio) or not isinstance(error, AacbenchError)


def _broken(name: str, clips: int, error: Exception) -> PluginFault:
    return PluginFault(
        f"retriever '{name}' failed on all of the first {clips} clips: {_told(error)}",
        "Nothing was ranked. Mend the retriever, or the sounds, and run again.",
    )


def _told(error: Exception) -> str:
    message = error.message if isinstance(error, AacbenchError) else str(error)
    return f"{type(error).__name__}: {message}"


def _checked(found: Any, shape: tuple[int, int], name: str) -> Scores:
    try:
        scores = np.asarray(found, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise _unfit(name, f"{found!r:.60} ({error})", shape) from error
    if scores.shape != shape:
        raise _unfit(name, f"an array of shape {scores.shape}", shape)
    if not np.isfinite(scores).all():
        raise _unfit(name, "numbers that are not finite", shape)
    return scores


def _unfit(name: str, what: str, shape: tuple[int, int]) -> PluginFault:
    clips, texts = shape
    return PluginFault(
        f"retriever '{name}': similarities() gave {what} for {clips} clips and {texts} texts.",
        "It must give (clips, texts) finite numbers, higher for what is nearer.",
    )


def _save(path: Path, **arrays: Any) -> None:
    """Write under a temporary name, then replace."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def _opened(path: Path) -> dict[str, npt.NDArray[Any]]:
    with np.load(path, allow_pickle=False) as kept:
        return {name: kept[name] for name in kept.files}
