"""`p2p`, `rag` and `raft`: captions from pairs of sound and caption that are like the clip
(Choi et al.).

Only specs stand here; models are imported when one is built.
"""

from __future__ import annotations

from typing import Any

from aacbench import Choice, Context, GuideSpec, RetrieverSpec, hookimpl
from aacbench.presets import read_presets
from aacbench_p2p import raft
from aacbench_p2p.options import PairOptions, RagOptions

PAPER = (
    "Choi et al., Audio Captioning via Generative Pair-to-Pair Retrieval with Refined Knowledge "
    "Base, 2025"
)

P2P = RetrieverSpec(
    name="p2p",
    summary="pairs whose sound is like the clip's and whose caption is like a caption of it",
    paper=PAPER,
    licence="Apache-2.0",
    options=PairOptions,
    parts={"encoder": "encoders", "captioner": "captioners"},
    source_is_knowledge=True,
)
RAG = GuideSpec(
    name="rag",
    summary="shows any captioner that takes examples the pairs that a retriever finds",
    paper=PAPER,
    licence="Apache-2.0",
    options=RagOptions,
    presets=read_presets("aacbench_p2p"),
    default_preset="mini",
    parts={"retriever": "retrievers"},
)


def create_p2p(choice: Choice, context: Context) -> Any:
    """Pair-to-pair retrieval; generative with a captioner of its own, or one around it."""
    from aacbench_p2p.retriever import build

    return build(choice, context)


def create_rag(choice: Choice, context: Context) -> Any:
    """A retriever, ready to be put around a captioner."""
    from aacbench_p2p.rag import Rag

    retriever = context.build("retrievers", choice.options.retriever)
    return Rag(retriever, choice.options.k)


@hookimpl
def register_retrievers(register: Any) -> None:
    register(P2P, create_p2p)


@hookimpl
def register_guides(register: Any) -> None:
    register(RAG, create_rag)


@hookimpl
def register_captioners(register: Any) -> None:
    register(raft.SPEC, raft.create)
