"""Settings -> captions. Nothing is scored here, so nothing that fails to score is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from aacbench import audio, catalog, provenance, sharding
from aacbench.config import Plan, domain
from aacbench.errors import AacbenchError, PluginFault
from aacbench.executors import Executor, choose
from aacbench.specs import Choice
from aacbench.store import MANIFEST, SCHEMA, Appender, Record, RunFolder
from aacbench.types import Caption, Captioner, Clip
from aacbench.workshop import Workshop

WINDOW = 16
ENOUGH = 16  # clips on which a captioner fails from the start before the run is given up


@dataclass(frozen=True)
class Outcome:
    """How a run ended: clips captioned and failed, those done before included."""

    folder: RunFolder
    done_before: int
    captioned: int
    failed: int


Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Decoded:
    """A clip with its sound decoded, or why it could not be; `seconds` is the time it took."""

    clip: Clip
    seconds: float
    error: str | None = None


@dataclass(frozen=True)
class Crew:
    """Called where captions are made: builds the captioner there, and gives what a batch is put
    to. What it has built stays behind when it is sent to another process."""

    choice: Choice
    workshop: Workshop

    def __call__(self) -> Callable[[list[Decoded]], list[Record]]:
        captioner = self.workshop.make(self.choice)
        _refuse_unfit(self.choice.spec.name, captioner)
        name = self.choice.expression
        return lambda decoded: list(_caption_group(cast(Captioner, captioner), decoded, name))

    def __reduce__(self) -> tuple[Callable[..., Crew], tuple[Any, ...]]:
        return _crew, (self.choice.expression, self.workshop.device, self.workshop.seed)


def _crew(expression: str, device: str, seed: int) -> Crew:
    return Crew(catalog.choose("captioners", expression), Workshop(device, seed))


def run(plan: Plan, report: Report | None = None, executor: Executor | None = None) -> Outcome:
    """Caption every clip of the plan that is not done yet; `report(done, of)` after each batch.

    What shards have left in the folder is gathered first, unless the plan is of a shard itself.
    `executor` replaces the one that the settings name.
    """
    folder = plan.folder
    with folder.locked():
        if plan.shard is None:
            sharding.gather(folder, [clip.id for clip in plan.clips])
        done = sharding.known(folder.path)
        if plan.settings.retry_failed:
            done = {name: record for name, record in done.items() if record.caption is not None}
        asked = plan.asked()
        todo = [clip for clip in asked if clip.id not in done]
        if todo:
            crew = Crew(plan.captioner, plan.workshop)
            groups = _groups(todo, plan)
            with closing((executor or _executor(plan)).run(decode, crew, groups)) as results:
                _write_manifest(plan, folder)
                proven = any(record.caption is not None for record in done.values())
                told = _told(report, len(asked) - len(todo), len(asked))
                _record_all(plan, results, folder, proven, told)
        final = sharding.known(folder.path)
        ours = [final[clip.id] for clip in asked]
    failed = sum(record.caption is None for record in ours)
    return Outcome(folder, len(asked) - len(todo), len(ours) - failed, failed)


def _executor(plan: Plan) -> Executor:
    return choose(plan.settings.executor, plan.settings.workers, plan.workshop.device)


def _refuse_unfit(name: str, captioner: Any) -> None:
    if not callable(getattr(captioner, "caption", None)):
        raise PluginFault(
            f"captioner '{name}' has no method caption(clips).",
            "See: aacbench show --contract captioners",
        )


def _write_manifest(plan: Plan, folder: RunFolder) -> None:
    verdict = domain(plan)
    settings = plan.settings
    start = {
        **provenance.environment(),
        "device": plan.workshop.device,
        "batch_size": settings.batch_size,
        "workers": settings.workers,
        "executor": settings.executor,
        "limit": settings.limit,
        "shard": settings.shard,
    }
    manifest = {
        "schema": SCHEMA,
        "key": plan.key,
        "decides": plan.decides,
        "captioner": catalog.settings_of(plan.captioner),
        "target": {**catalog.settings_of(plan.target.choice), "split": plan.target.split},
        "trained_on": asdict(catalog.trained_on(plan.captioner)),
        "domain": asdict(verdict),
        "models": sorted(catalog.models(plan.captioner)),
        "clips": {"official": len(plan.annotations), "at_hand": len(plan.clips)},
        "seed": settings.seed,
    }
    with folder.changing_manifest():
        before = folder.manifest()["starts"] if (folder.path / MANIFEST).is_file() else []
        folder.write_json(MANIFEST, {**manifest, "starts": [*before, start]})


def _record_all(
    plan: Plan,
    results: Iterator[list[Record]],
    folder: RunFolder,
    proven: bool,
    told: Callable[[int], None],
) -> None:
    """Record batches as they come. Until a first caption has `proven` the captioner, its failures
    are held back: one that fails on everything is broken, and its clips do not count as failed."""
    name = plan.captioner.expression
    held: list[Record] = []
    with folder.appending() as out:
        for records in results:
            held.extend(records)
            proven = proven or any(record.caption is not None for record in held)
            failed = [] if proven else [r for r in held if _captioner_failed(r)]
            if len(failed) >= ENOUGH:
                raise _broken(name, failed)
            if not failed:
                _append(out, held, plan.settings.seed)
                held = []
            told(len(records))
        if held:
            raise _broken(name, [r for r in held if _captioner_failed(r)])


def _captioner_failed(record: Record) -> bool:
    return record.error is not None and "caption" in record.stages


def _broken(name: str, failed: Sequence[Record]) -> PluginFault:
    return PluginFault(
        f"captioner '{name}' failed on all of the first {len(failed)} clips; "
        f"on the first, {failed[0].clip_id}: {failed[0].error}",
        "None of them was recorded. Mend the captioner and run again.",
    )


def _append(out: Appender, records: Sequence[Record], seed: int) -> None:
    for record in records:
        out.add(record, seed)


def _told(report: Report | None, before: int, of: int) -> Callable[[int], None]:
    """Adds up what is done, and tells."""
    done = before

    def told(more: int) -> None:
        nonlocal done
        done += more
        if report:
            report(done, of)

    return told


def _groups(todo: Sequence[Clip], plan: Plan) -> list[list[Clip]]:
    """Batches of clips of like length, sorted within a window so that order roughly holds."""
    size = plan.settings.batch_size
    groups: list[list[Clip]] = []
    for start in range(0, len(todo), size * WINDOW):
        window = todo[start : start + size * WINDOW]
        known = audio.buckets([clip.duration for clip in window], size)
        groups.extend([window[i] for i in bucket] for bucket in known)
    return groups


def decode(clip: Clip) -> Decoded:
    """Decode one clip, unless it is only a picture; whatever goes wrong is that clip's error."""
    if clip.audio is None and clip.image is not None:
        return Decoded(clip, 0.0)
    began = time.perf_counter()
    try:
        sound = audio.read(clip.audio)
    except AacbenchError as error:
        return Decoded(clip, time.perf_counter() - began, error.message)
    except Exception as error:
        return Decoded(clip, time.perf_counter() - began, f"{type(error).__name__}: {error}")
    return Decoded(replace(clip, audio=sound), time.perf_counter() - began)


def _caption_group(captioner: Captioner, decoded: Sequence[Decoded], name: str) -> Iterator[Record]:
    """Records of one batch; where the batch as a whole fails, its clips are tried alone."""
    for one in decoded:
        if one.error is not None:
            yield Record(one.clip.id, None, one.error, {"decode_audio": one.seconds})
    heard = [one for one in decoded if one.error is None]
    if not heard:
        return
    try:
        yield from _caption_together(captioner, heard, name)
    except PluginFault:
        raise
    except Exception as error:
        if len(heard) == 1:
            yield _failed(heard[0], error)
            return
        for one in heard:
            try:
                yield from _caption_together(captioner, [one], name)
            except Exception as alone:
                yield _failed(one, alone)


def _failed(one: Decoded, error: Exception) -> Record:
    message = error.message if isinstance(error, AacbenchError) else str(error)
    stages = {"decode_audio": one.seconds, "caption": 0.0}
    return Record(one.clip.id, None, f"{type(error).__name__}: {message}", stages)


def _caption_together(captioner: Captioner, heard: Sequence[Decoded], name: str) -> list[Record]:
    began = time.perf_counter()
    found = captioner.caption([one.clip for one in heard])
    if not isinstance(found, Iterable):
        raise PluginFault(
            f"captioner '{name}' gave {found!r:.60} where a list of captions was due.",
            "caption(clips) must give one a clip, in order.",
        )
    captions = list(found)
    share = (time.perf_counter() - began) / len(heard)
    if len(captions) != len(heard):
        raise PluginFault(
            f"captioner '{name}' gave {len(captions)} captions for {len(heard)} clips.",
            "caption(clips) must give one a clip, in order.",
        )
    records = []
    for one, caption in zip(heard, captions, strict=True):
        plain = _plain(caption, name)
        stages = {"decode_audio": one.seconds, "caption": share, **plain.stages}
        records.append(Record(one.clip.id, plain, None, stages))
    return records


def _plain(caption: Any, name: str) -> Caption:
    """The caption with Python's own numbers in it, whatever library's it came with."""
    if not isinstance(caption, Caption) or not isinstance(caption.text, str):
        raise PluginFault(
            f"captioner '{name}' gave {caption!r:.60} where a Caption was due.",
            "Return aacbench.Caption(text).",
        )
    try:
        return Caption(
            str(caption.text),
            tuple(int(token) for token in caption.tokens),
            None if caption.score is None else float(caption.score),
            tuple(_plain(other, name) for other in caption.alternatives),
            {str(stage): float(seconds) for stage, seconds in caption.stages.items()},
            tuple(replace(one) for one in caption.steered),
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise PluginFault(
            f"captioner '{name}' gave {caption!r:.200}: {error}",
            "tokens are whole numbers, score a number or None, stages a name to seconds, "
            "steered aacbench.Steered.",
        ) from error
