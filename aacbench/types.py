"""The nouns of the field as frozen data, and what each kind of part must be able to do.

Everything here is data or a Protocol: numpy and the standard library alone, so that reading a spec
never costs the import of a model library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.floating[Any]]

# --- clips and what is known about them -----------------------------------------------------------


@dataclass(frozen=True)
class Audio:
    """Decoded mono sound: `samples` is float32 (n,), nominally in [-1, 1]; `rate` is in hertz."""

    samples: npt.NDArray[np.float32]
    rate: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


class AudioSource(Protocol):
    """Sound that is made on demand rather than read from a file. Must be picklable.

    `identity` tells one sound from another, and is the same on every machine.
    """

    @property
    def identity(self) -> str: ...

    def read(self) -> Audio: ...


@dataclass(frozen=True)
class Clip:
    """One sound to caption: all that a captioner may see of it.

    `audio` is None in data sets of pictures alone, which captioners of sound refuse. `id` is unique
    within its data set. `source_id` names the recording it was cut from, in the form
    ``"freesound:12345"`` or ``"youtube:ID:30"`` (start second; ``"youtube:ID"`` where nobody says);
    overlap between training data and targets is judged by it. `duration` is in seconds where it is
    known without decoding.
    """

    id: str
    audio: Path | AudioSource | Audio | None
    source_id: str | None = None
    duration: float | None = None
    image: Path | None = None


@dataclass(frozen=True)
class Event:
    """One sound event of a clip: `label`, and its `onset` and `offset` in seconds."""

    label: str
    onset: float
    offset: float


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` of reference number `reference` (0-based, end exclusive)."""

    reference: int
    start: int
    end: int


@dataclass(frozen=True)
class Annotation:
    """The truth about a clip, which captioners never see and metrics do.

    `events` is empty where nobody wrote them down; `inaudible` marks the parts of references that
    no listener could know from the sound alone.
    """

    references: tuple[str, ...]
    events: tuple[Event, ...] = ()
    inaudible: tuple[Span, ...] = ()
    source_id: str | None = None


@dataclass(frozen=True)
class Steered:
    """One token of a guided caption: what it added to the text, its probability by the captioner
    alone (`plain`) and under the guides (`guided`).

    `instead` is what the captioner alone would have added there ("" where it would have ended),
    with its two probabilities; None where it is the same token.
    """

    text: str
    plain: float
    guided: float
    instead: str | None
    instead_plain: float
    instead_guided: float


@dataclass(frozen=True)
class Caption:
    """What a captioner says of one clip.

    `score` is the mean log probability a token, where the captioner has one. `alternatives` holds
    the captions ranked below this one, best first. `stages` gives this clip's share of the time
    spent in each stage, in seconds (``{"encode": 0.01, "decode": 0.2}``). `steered` says, token
    by token, what guides changed; it is empty where none were at work.
    """

    text: str
    tokens: tuple[int, ...] = ()
    score: float | None = None
    alternatives: tuple[Caption, ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict)
    steered: tuple[Steered, ...] = ()


# --- what parts must be able to do ----------------------------------------------------------------


class Dataset(Protocol):
    """Clips and annotations of each split, in a stable order."""

    def clips(self, split: str) -> Sequence[Clip]:
        """The clips whose sound is at hand."""
        ...

    def annotations(self, split: str) -> Mapping[str, Annotation]:
        """Clip id to annotation for the whole official list, sound at hand or not."""
        ...


class Encoder(Protocol):
    """Sound and text in one space; every row is float32 and of unit length."""

    dim: int

    def embed_audio(self, clips: Sequence[Clip]) -> npt.NDArray[np.float32]:
        """(clips, dim)."""
        ...

    def embed_text(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(texts, dim)."""
        ...


class Captioner(Protocol):
    """The one thing a captioner does."""

    def caption(self, clips: Sequence[Clip]) -> Sequence[Caption]:
        """One caption a clip, in the clips' order; the same whatever else is in the batch."""
        ...


@dataclass(frozen=True)
class Example:
    """A pair of sound and caption that a retriever found for a clip.

    `clip_id` is a clip of `dataset` (``"clotho/development"``) and `caption` one of its captions;
    `heard` and `said` are its two embeddings, (dim,) float32 of unit length, in the space of the
    retriever's encoder; `score` is the similarity that it was found by, higher is nearer.
    """

    clip_id: str
    dataset: str
    caption: str
    score: float
    heard: npt.NDArray[np.float32] = field(repr=False, compare=False)
    said: npt.NDArray[np.float32] = field(repr=False, compare=False)
    source_id: str | None = None


class Retriever(Protocol):
    """Finds pairs of a knowledge base that are like a clip.

    `encoder` is the expression of the encoder in whose space it looks. With `needs_captions` it
    looks for a caption too, and `retrieve` must be given one a clip.
    """

    encoder: str
    needs_captions: bool

    def retrieve(
        self, clips: Sequence[Clip], k: int, captions: Sequence[str] | None = None
    ) -> Sequence[Sequence[Example]]:
        """The `k` nearest pairs of each clip, best first: fewer where the base has no more, and
        none of the clip itself or of its recording. What shares the batch changes nothing."""
        ...


@runtime_checkable
class ExampleCaptioner(Protocol):
    """A captioner that can be shown pairs beside each clip, at most `max_examples` of them.

    One that is a `GuidableCaptioner` too takes them in ``open(clips, examples)``.
    """

    max_examples: int

    def caption(
        self, clips: Sequence[Clip], examples: Sequence[Sequence[Example]] | None = None
    ) -> Sequence[Caption]:
        """One caption a clip; of each clip's examples the first is the nearest."""
        ...


class Wrapper(Protocol):
    """What may follow a ``+`` and changes what a captioner is given, rather than its words."""

    def around(self, captioner: Captioner) -> Captioner:
        """The captioner, with this around it; `BadOption` where the two do not fit."""
        ...


class Tokenizer(Protocol):
    """A language model's words. `end` is the token that ends a caption.

    One that can spell quickly may offer ``continuations(prefix, tokens)``: what `decode` gives of
    every ``[*prefix, token]``, which guides ask for some hundred times a token.
    """

    end: int
    size: int

    def encode(self, text: str) -> list[int]: ...

    def decode(self, tokens: Sequence[int]) -> str: ...


class Cache(Protocol):
    """A language model's keys and values: transformers' `Cache` and whatever offers the same."""

    def reorder_cache(self, beam_idx: Any) -> Any: ...


@dataclass(frozen=True)
class Step:
    """`scores` is the next token's logits, (rows, vocabulary); `cache` holds all tokens so far."""

    scores: Any
    cache: Any


@runtime_checkable
class GuidableCaptioner(Protocol):
    """A captioner whose words come from a language model that can be stepped token by token.

    `aacbench.decoding` runs the one loop over it; guides add their terms there. `decoding` is an
    `aacbench.decoding.Decoding`: how its own `caption` chooses words, which guides keep to.

    It may bring guides of its own in an attribute `guides`: they are at work whenever it is
    decoded, and those that are added join them.
    """

    tokenizer: Tokenizer
    decoding: Any

    def caption(self, clips: Sequence[Clip]) -> Sequence[Caption]: ...

    def open(self, clips: Sequence[Clip]) -> Any:
        """What conditions the words: a tensor or a tuple of tensors whose first axis is clips."""
        ...

    def step(self, state: Any, tokens: Any, cache: Any) -> Step:
        """Scores of the next token.

        On the first call `tokens` and `cache` are None and the model reads `state`. Later calls
        give the newest tokens, (rows, 1), and the cache of the call before; `state` always has
        the same rows as `tokens`. Where `tokens` is None and `cache` is not, the cache holds all
        of `state` but its last position, which is read again: so a guide steers the first token.
        """
        ...


class Guide(Protocol):
    """What may follow a ``+``: a loss on the next token's distribution, which the decoding loop
    lowers by moving the language model's context cache (Shaulov et al., equation 3).

    `steering` is an `aacbench.decoding.Steering`. `beams` is how many hypotheses the search keeps
    where the captioner's own settings do not say.
    """

    steering: Any
    beams: int

    def loss(self, prediction: Any) -> Any:
        """(rows,), lower is better, differentiable in ``prediction.log_probabilities``.

        `prediction` is an `aacbench.decoding.Prediction`. A row's loss depends on that row alone.
        """
        ...


class Classifier(Protocol):
    """Text to the probability of each label."""

    labels: tuple[str, ...]

    def probabilities(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(texts, labels), rows sum to 1."""
        ...


@dataclass(frozen=True)
class Ranking:
    """What a retriever found for a clip: ids, best first, and those of the gallery that are right.

    `relevant` is never empty; it may name ids that `found`, which may stop short, does not hold.
    """

    found: tuple[str, ...]
    relevant: frozenset[str]


@dataclass(frozen=True)
class Item:
    """One clip as a metric sees it: `candidates` are ranked, best first.

    `ranking` is there where the system retrieves; `attention`, (queries, keys) with rows that sum
    to 1, where it says what it looked at.
    """

    clip_id: str
    candidates: tuple[Caption, ...]
    annotation: Annotation
    clip: Clip | None = None
    ranking: Ranking | None = None
    attention: FloatArray | None = None


@dataclass(frozen=True)
class Scores:
    """`per_clip` maps a figure's id to (items,) values, NaN where a clip has none; `statistics`
    is whatever `corpus` needs, with one row an item (a numpy array or a scipy sparse matrix)."""

    per_clip: Mapping[str, FloatArray]
    statistics: Any


class Metric(Protocol):
    """Three steps, so that parts of a target, shards and resamples all give the same figures."""

    def prepare(self, annotations: Mapping[str, Annotation]) -> None:
        """Freeze what depends on the whole target (document frequencies and the like)."""
        ...

    def score(self, items: Sequence[Item], parts: Mapping[str, Scores]) -> Scores:
        """Per-clip figures and statistics; `parts` holds the metrics named in the spec's parts."""
        ...

    def corpus(self, statistics: Any, weights: FloatArray) -> Mapping[str, FloatArray]:
        """Corpus figures: `weights` is (resamples, items), how often each item counts; each
        figure is (resamples,). A row of ones gives the plain corpus figure."""
        ...
