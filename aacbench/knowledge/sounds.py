"""The sounds of a knowledge base's pairs, for captioners that hear their examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast
from weakref import WeakKeyDictionary

from aacbench import catalog
from aacbench.errors import BadData
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.entries import Entry
from aacbench.specs import Context
from aacbench.types import Clip, Dataset, Example

_listed: WeakKeyDictionary[Context, dict[str, Mapping[str, Clip]]] = WeakKeyDictionary()


def clips_of(
    context: Context, pairs: Iterable[Example | Entry], base: KnowledgeBase | None = None
) -> dict[tuple[str, str], Clip]:
    """The clip of each pair, by ``(dataset, clip id)``; a pair's own are its first two fields.

    `base` is where the pairs are from; it must be given where it holds a folder of sounds, which
    its pairs do not name by path. `BadData` where a clip's sound is not at hand.
    """
    wanted = {(pair.dataset, _id(pair)): None for pair in pairs}
    places = _places(base)
    return {key: _clip(context, *key, places) for key in wanted}


def _id(pair: Example | Entry) -> str:
    return pair.clip_id if isinstance(pair, Example) else pair.id


def _places(base: KnowledgeBase | None) -> Mapping[str, str]:
    """The expression of each split that a base is made of, by what its pairs call it."""
    sources = base.manifest.get("sources", ()) if base else ()
    return {source["name"]: source["expression"] for source in sources}


def _clip(context: Context, called: str, name: str, places: Mapping[str, str]) -> Clip:
    expression = places.get(called) or _expression(called)
    known = _listed.setdefault(context, {})
    if expression not in known:
        target = catalog.choose_target(expression)
        dataset = cast(Dataset, context.build("datasets", target.choice.expression))
        known[expression] = {clip.id: clip for clip in dataset.clips(target.split)}
    if name not in known[expression]:
        raise BadData(
            f"The sound of {name}, of {called}, is not at hand.",
            f"See what is missing: aacbench data show '{expression}'",
        )
    return known[expression][name]


def _expression(called: str) -> str:
    """``"soundbox-events/train(seed=7)"`` as the catalogue reads it."""
    head, bracket, options = called.partition("(")
    dataset, _, split = head.rpartition("/")
    if ":" in dataset:
        raise BadData(
            f"Nobody can tell from its name alone where {called} lies.",
            "Its knowledge base knows: give that too.",
        )
    return f"{dataset}@{split}{bracket}{options}"
