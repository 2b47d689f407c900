"""What the official metrics say about themselves, and how each is made; loads no model library.

Of two presets that share a model, ``paper`` gives it what the field's tool gives it, the tokens
of the Penn Treebank in lower case, and bears the field's name; ``raw`` gives it the text as it was
written, as the models' own authors do, and says so in its figures' names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from aacbench.builtin.metrics import fense_mini
from aacbench.errors import BadOption
from aacbench.specs import Figure, MetricSpec, Preset, Requirement, TrainedOn

if TYPE_CHECKING:
    from aacbench.builtin.metrics.official.rows import Read
    from aacbench.specs import Choice, Context, Factory
    from aacbench.types import Metric

MINI, PAPER, RAW = "mini", "paper", "raw"
FENSE_PAPER = "https://arxiv.org/abs/2110.04684"
TOKENS = "on Penn Treebank tokens, as aac-metrics"
WRITTEN = "on texts as written, as its authors"
SBERT_MODEL = "paraphrase-TinyBERT-L6-v2"
DETECTOR = "echecker_clotho_audiocaps_base"
ROBERTA_MODEL = "roberta-large"
CLIP_MODEL = "clip-vit-base-patch32"
MACE_ENCODER = "clap:paper@ms2023"
CLAP_TEXT = {
    "clap:tags-e5": "clap_t:tags-e5",
    "clap:mini": "clap_t:mini",
    "clap:small": "clap_t:small",
    "clap:paper@laion-unfused": "clap_t:laion-unfused",
    "clap:paper@ms2023": "clap_t:ms2023",
}
MACE_FIGURES = (
    "mace",
    "mace:text",
    "mace:audio",
    "mace:custom",
    "mace:text-custom",
    "mace:audio-custom",
)
TORCH = (Requirement("torch", "pip install aacbench"),)


class ModelOptions(BaseModel):
    """Options of a metric that is one model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Path | None = Field(None, description="the model's folder, in the hub's layout")


class DetectorOptions(BaseModel):
    """Options of `fer`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    classifier: str | None = Field(None, description="who says what is an error, for mini")
    checkpoint: Path | None = Field(None, description="FENSE's detector, a .ckpt of its release")
    vocabulary: Path | None = Field(None, description="BERT's vocab.txt, uncased")


class EncoderOptions(BaseModel):
    """Options of the metrics that ask a CLAP."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str = Field(MACE_ENCODER, description="the CLAP whose space is meant")


def _presets(learnt: TrainedOn, *built_on: str) -> dict[str, Preset]:
    """The two presets of a model, which learnt the same."""
    return {
        PAPER: Preset(TOKENS, trained_on=learnt, built_on=built_on),
        RAW: Preset(WRITTEN, trained_on=learnt, built_on=built_on),
    }


def _paired(*figures: Figure) -> tuple[Figure, ...]:
    """The figures under the field's names, and those of the preset `raw`."""
    raw = (Figure(f"{f.id}:{RAW}", f.low, f.high, f.higher_is_better) for f in figures)
    return (*figures, *raw)


def _encoders() -> dict[str, Preset]:
    """The presets of `clap_t`, named as those of `clap_s`."""
    named = {"clap:paper@laion-unfused": PAPER, MACE_ENCODER: "ms2023"}
    return {
        named.get(encoder, encoder.partition(":")[2]): Preset(
            f"in the space of {encoder}", {"encoder": encoder}, trained_on=TrainedOn()
        )
        for encoder in CLAP_TEXT
    }


SBERT_LEARNT = TrainedOn(language_model=(f"{SBERT_MODEL} training text",))
DETECTOR_LEARNT = TrainedOn(
    captions=("clotho/development", "audiocaps/train"), language_model=("BERT's training text",)
)
SBERT_PRESETS = _presets(SBERT_LEARNT, SBERT_MODEL)
SBERT_FIGURES = _paired(Figure("sbert", low=-1.0))

FER = MetricSpec(
    name="fer",
    summary="share of captions with an error of fluency, as FENSE's detector sees it",
    paper=FENSE_PAPER,
    licence="Apache-2.0",
    options=DetectorOptions,
    presets={
        MINI: replace(fense_mini.MINI_FER, options={"classifier": fense_mini.DETECTOR}),
        **_presets(DETECTOR_LEARNT, "bert-base-uncased", DETECTOR),
    },
    default_preset=MINI,
    requires=TORCH,
    parts={"classifier": "classifiers"},
    weight_options=("checkpoint",),
    figures=(
        *fense_mini.FER_FIGURES,
        *_paired(
            Figure("fer", higher_is_better=False), Figure("fer.error_prob", higher_is_better=False)
        ),
    ),
    reference_free=True,
    reference="aac-metrics",
)
FENSE = MetricSpec(
    name="fense",
    summary="similarity of sentences, a tenth of it where a caption is not fluent",
    paper=FENSE_PAPER,
    licence="Apache-2.0",
    presets={
        MINI: fense_mini.MINI_FENSE,
        **_presets(DETECTOR_LEARNT, SBERT_MODEL, "bert-base-uncased", DETECTOR),
    },
    default_preset=MINI,
    figures=(*fense_mini.FENSE_FIGURES, *_paired(Figure("fense", low=-1.0))),
    metric_parts=("sbert", "fer"),
    reference="aac-metrics",
)
BERT_SCORE = MetricSpec(
    name="bert_score",
    summary="how well the words of a caption and of its likest reference match in context",
    paper="https://arxiv.org/abs/1904.09675",
    licence="Apache-2.0",
    options=ModelOptions,
    presets=_presets(TrainedOn(language_model=("RoBERTa's training text",)), ROBERTA_MODEL),
    default_preset=PAPER,
    requires=TORCH,
    weight_options=("model",),
    figures=_paired(Figure("bert_score")),
    on_request=True,
    reference="aac-metrics, of one pair at a time",
)
CLAP_T = MetricSpec(
    name="clap_t",
    summary="cosine of a caption with its references in a CLAP's text space",
    paper="https://arxiv.org/abs/2411.00321",
    licence="Apache-2.0",
    options=EncoderOptions,
    presets=_encoders(),
    parts={"encoder": "encoders"},
    figures=tuple(Figure(name, low=-1.0) for name in (*CLAP_TEXT.values(), "clap_t:custom")),
    on_request=True,
    reference="aac-metrics 0.6, clap_sim",
)
MACE = MetricSpec(
    name="mace",
    summary="cosines of a caption with its sound and with its references, less where not fluent",
    paper="https://arxiv.org/abs/2411.00321",
    licence="Apache-2.0",
    options=EncoderOptions,
    presets={
        PAPER: Preset(
            "MS-CLAP 2023 and FENSE's detector",
            {"encoder": MACE_ENCODER},
            trained_on=DETECTOR_LEARNT,
            built_on=("bert-base-uncased", DETECTOR),
        )
    },
    default_preset=PAPER,
    parts={"encoder": "encoders"},
    figures=tuple(Figure(name, low=-1.0) for name in MACE_FIGURES),
    needs=("audio",),
    on_request=True,
    metric_parts=("fer",),
    reference="the metric's own release",
)
CLIP_S = MetricSpec(
    name="clip_s",
    summary="2.5 times the cosine of a caption with its picture, by CLIP; and with references",
    paper="https://arxiv.org/abs/2104.08718",
    licence="Apache-2.0",
    options=ModelOptions,
    presets={
        PAPER: Preset(
            "CLIP ViT-B/32, in float32",
            trained_on=TrainedOn(encoder=("CLIP's 400M pairs",)),
            built_on=("CLIP ViT-B/32",),
        )
    },
    default_preset=PAPER,
    requires=(*TORCH, Requirement("PIL", "pip install 'aacbench[images]'")),
    weight_options=("model",),
    figures=(Figure("clip_s", high=2.5), Figure("ref_clip_s", high=2.5)),
    needs=("image",),
    reference_free=True,
    on_request=True,
    reference="the metric's own release",
)


def _mode(choice: Choice) -> tuple[str, Read]:
    """What is put behind a figure's id, and what the model reads of a text."""
    from aacbench.builtin.metrics.official.rows import as_tokens, as_written

    return (f":{RAW}", as_written) if choice.preset == RAW else ("", as_tokens)


def build_sbert(choice: Choice, context: Context) -> Metric:
    """The official presets of `sbert`."""
    from aacbench import proofs
    from aacbench.builtin.metrics.official import locate
    from aacbench.builtin.metrics.official.fense import OfficialSimilarity
    from aacbench.builtin.metrics.official.rows import Kept
    from aacbench.builtin.metrics.official.sentences import load_sentence_encoder

    suffix, read = _mode(choice)
    folder = locate.model_folder(locate.SBERT, choice.options.model)
    files = locate.model_files(folder)
    one = proofs.subject("sbert", choice.spec.version, ("sbert",), files)
    proofs.demand(one, choice.expression)
    rows = Kept(lambda: load_sentence_encoder(folder, context.device), f"sbert-{one.key}")
    return OfficialSimilarity(f"sbert{suffix}", rows, read)


def _fer(choice: Choice, context: Context) -> Metric:
    options: Any = choice.options
    own = options and (options.checkpoint or options.vocabulary)
    if bool(options and options.classifier) != (choice.preset == MINI) or (
        own and choice.preset == MINI
    ):
        raise BadOption(
            "fer: a classifier goes with fer:mini, a checkpoint and its vocabulary with fer:paper.",
            "Write fer:mini(classifier=NAME), or fer:paper(checkpoint=FILE).",
        )
    if choice.preset == MINI:
        return fense_mini.fluency_rate(choice, context)
    from aacbench import proofs
    from aacbench.builtin.metrics.official import locate
    from aacbench.builtin.metrics.official.fense import FluencyErrorRate
    from aacbench.builtin.metrics.official.fluency import load_detector
    from aacbench.builtin.metrics.official.rows import Kept

    suffix, read = _mode(choice)
    checkpoint = locate.echecker(choice.options.checkpoint)
    vocabulary = locate.vocabulary(choice.options.vocabulary)
    files = {"checkpoint": checkpoint, "vocabulary": vocabulary}
    one = proofs.subject("fer", choice.spec.version, ("fer.error_prob", "fer"), files)
    proofs.demand(one, choice.expression)
    rows = Kept(lambda: load_detector(checkpoint, vocabulary, context.device), f"fer-{one.key}")
    return FluencyErrorRate((f"fer{suffix}", f"fer.error_prob{suffix}"), rows, read)


def _fense(choice: Choice, context: Context) -> Metric:
    if choice.preset == MINI:
        return fense_mini.fense(choice, context)
    from aacbench.builtin.metrics.official.fense import Fense

    suffix, _ = _mode(choice)
    return Fense(f"fense{suffix}", f"sbert{suffix}", f"fer{suffix}")


def _bert_score(choice: Choice, context: Context) -> Metric:
    from aacbench import proofs
    from aacbench.builtin.metrics.official import locate
    from aacbench.builtin.metrics.official.bert_score import BertScore, load_word_vectors

    suffix, read = _mode(choice)
    folder = locate.model_folder(locate.ROBERTA, choice.options.model)
    files = locate.model_files(folder)
    one = proofs.subject("bert_score", choice.spec.version, ("bert_score",), files)
    proofs.demand(one, choice.expression)
    return BertScore(f"bert_score{suffix}", lambda: load_word_vectors(folder, context.device), read)


def _clap_t(choice: Choice, context: Context) -> Metric:
    from aacbench.builtin.metrics.official.clap_text import ClapTextSimilarity

    expression: str = choice.options.encoder
    figure = CLAP_TEXT.get(expression, "clap_t:custom")
    return ClapTextSimilarity(figure, context.build("encoders", expression), expression)


def _mace(choice: Choice, context: Context) -> Metric:
    from aacbench.builtin.metrics.clap_s import ClapSimilarity
    from aacbench.builtin.metrics.official.clap_text import ClapTextSimilarity, Mace

    expression: str = choice.options.encoder
    encoder: Any = context.build("encoders", expression)
    return Mace(
        MACE_FIGURES[:3] if expression == MACE_ENCODER else MACE_FIGURES[3:],
        ClapSimilarity("sounds", encoder, expression),
        ClapTextSimilarity("texts", encoder, expression),
    )


def _clip_s(choice: Choice, context: Context) -> Metric:
    from aacbench.builtin.clip_model import load_picture_space
    from aacbench.builtin.metrics.official import locate
    from aacbench.builtin.metrics.official.clip_s import ClipScore

    folder = locate.model_folder(locate.CLIP, choice.options.model)
    return ClipScore(load_picture_space(folder, context.device))


def register(register: Callable[[MetricSpec, Factory], None]) -> None:
    """Register the official metrics but `sbert`, which has a preset of our own as well."""
    register(FER, _fer)
    register(FENSE, _fense)
    register(BERT_SCORE, _bert_score)
    register(CLAP_T, _clap_t)
    register(MACE, _mace)
    register(CLIP_S, _clip_s)
