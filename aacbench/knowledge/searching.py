"""Searching a knowledge base: exactly, or through an index where the base is large.

`exact` looks at every row; `search` chooses. How queries are put is in `probes`.
"""

from __future__ import annotations

from typing import get_args

from aacbench.errors import BadOption, nearest
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.indexing import Kind, exact_below, index_kinds, open_index
from aacbench.knowledge.probes import (
    WAYS,
    Hits,
    Probe,
    Rows,
    audio_to_audio,
    audio_to_mixture,
    audio_to_text,
    pair_to_pair,
    probe,
)
from aacbench.knowledge.scanning import Excluded, exact

__all__ = [
    "HOW",
    "WAYS",
    "Hits",
    "Probe",
    "Rows",
    "audio_to_audio",
    "audio_to_mixture",
    "audio_to_text",
    "exact",
    "pair_to_pair",
    "probe",
    "search",
]

HOW = ("auto", "exact", *get_args(Kind))


def search(
    base: KnowledgeBase, probe: Probe, k: int, excluded: Excluded | None = None, how: str = "auto"
) -> Hits:
    """The `k` best rows of each query; `excluded` holds, for each, the rows that do not count.

    `how` is ``exact``, ``ivfpq`` or ``hnsw``; ``auto`` is the index that the base has (`ivfpq`
    before `hnsw`), and exact where it has none or is small. Ties go to the lower row, and each
    query's hits are the same whatever else is asked in the call. An index that is broken, or was
    made before something was added to the base, is refused with the command that makes it anew.
    """
    if how not in HOW:
        raise BadOption(f"There is no way '{how}' to search a base.", nearest(how, HOW))
    if how == "auto":
        there = index_kinds(base) if len(base) >= exact_below() else ()
        how = there[0] if there else "exact"
    if how == "exact":
        return exact(base, probe, k, excluded)
    return open_index(base, how).search(probe, k, excluded)
