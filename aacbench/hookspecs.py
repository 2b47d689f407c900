"""What a plugin may register. Each docstring is the contract of its hook.

A plugin is a module (or any object) registered under the entry-point group ``aacbench``; it
implements any of these with ``@aacbench.hookimpl``. Every hook but the last is given `register`,
to be called as ``register(spec, factory)`` once for each part. A spec is plain data and costs no
heavy import; the factory, ``factory(choice, context)``, is called only to do work and imports what
it needs then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from aacbench.specs import Factory, Spec

    Register = Callable[[Spec, Factory], None]

GROUP = "aacbench"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def register_datasets(register: Register) -> None:
    """Register `DatasetSpec`s. The factory returns a `Dataset`: ``clips(split)`` gives the clips
    whose sound is at hand, ``annotations(split)`` the whole official list, both in a stable
    order. Clip ids are unique within a split; `source_id` names the recording."""


@hookspec
def register_encoders(register: Register) -> None:
    """Register `EncoderSpec`s: sound, text or images into one space. The factory returns an
    `Encoder`: ``embed_audio(clips)`` and ``embed_text(texts)`` give float32 rows of unit length
    that do not depend on what else is in the batch."""


@hookspec
def register_classifiers(register: Register) -> None:
    """Register `ClassifierSpec`s: text to the probability of each label. The factory returns a
    `Classifier`, whose ``labels`` name the columns of ``probabilities(texts)``."""


@hookspec
def register_captioners(register: Register) -> None:
    """Register `CaptionerSpec`s. The factory returns a `Captioner`: ``caption(clips)`` gives one
    `Caption` a clip, in order, the same whatever else is in the batch. One whose words come from
    a language model should also offer `GuidableCaptioner`, so that guides can steer it."""


@hookspec
def register_guides(register: Register) -> None:
    """Register `GuideSpec`s: what may follow a ``+`` in a captioner's expression. The factory
    returns a `Guide`: ``loss(prediction)`` is a term on the next token's distribution, which the
    loop in `aacbench.decoding` lowers by moving the context cache as ``steering`` says; the terms
    of several guides add up. ``beams`` is how many hypotheses are kept by default. Or it returns a
    `Wrapper`: ``around(captioner)`` gives a captioner that is given more to go by."""


@hookspec
def register_retrievers(register: Register) -> None:
    """Register `RetrieverSpec`s. The factory returns a `Retriever`: ``retrieve(clips, k,
    captions)`` gives, for each clip, the nearest pairs of a knowledge base as `Example`s. One that
    can compare any sound with any text also offers ``similarities(clips, texts)``, (clips, texts),
    and can then be run on a target: retrieval is a task of its own."""


@hookspec
def register_metrics(register: Register) -> None:
    """Register `MetricSpec`s. The factory returns a `Metric`: ``prepare`` freezes what depends on
    the whole target, ``score`` gives per-clip figures and statistics, ``corpus`` turns statistics
    and weights into corpus figures, also for resamples. Figure ids are the field's names for
    figures equal to the reference tools', and carry a ``:suffix`` for anything else.

    A metric may offer more: ``score_references(items)``, as `score` but of the references, so that
    tables show what people reach; ``notes()``, asked for last, a remark on each figure's id that
    stands below every table; and an attribute ``report``, which is set to ``report(done, of)``, to
    be told how far a long computation has come, or to None."""


@hookspec
def register_commands(app: Any) -> None:
    """Add sub-commands to the command line: `app` is a `typer.Typer`. Keep heavy imports inside
    the commands."""
