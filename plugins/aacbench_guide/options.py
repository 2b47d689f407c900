"""The options of `guide`: what Shaulov et al. give, and our reading of what they leave open."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class GuideOptions(BaseModel):
    """How a classifier steers. The paper states `classifier_weight`, `fluency_weight`, 512
    candidates and a single beam (sections III-B and IV); all else is our reading of it.

    Equation 1 as printed would lower the label's probability, since the loss is minimised; every
    `loss` here raises it. The label is found by its name, for columns come in any order:

    ``target``
        cross-entropy to softmax(P(label) / `temperature`) over the candidates, whatever the
        captioner thinks of them.
    ``posterior``
        cross-entropy to the captioner's own distribution over the candidates, each weighted with
        P(label) ** (1 / `temperature`): Bayes' rule where the temperature is 1.
    ``expectation``
        -log of the mean P(label) of a candidate drawn from the distribution: equation 1 with its
        sign mended, and the classifier's mean in place of a gradient through it.

    Three options save time and change what is said: fewer `candidates`, ``rescore=False`` (those of
    a token's first step are kept), and the last few `layers` alone. Whatever else saves time here
    gives the captions of the algorithm done step by step, and has no option.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    classifier: str = Field("audibility:mini", description="any registered text classifier")
    label: str = Field("audible", description="the label that captions are steered towards")
    classifier_weight: float = Field(0.6, ge=0, description="equation 3: lambda 1")
    fluency_weight: float = Field(0.2, ge=0, description="equation 3: lambda 0")
    fluency: Literal["kl", "cross_entropy"] = Field(
        "kl", description="equation 2: divergence from the captioner's own distribution"
    )
    loss: Literal["target", "posterior", "expectation"] = Field(
        "target", description="how the candidates' scores become a loss"
    )
    candidates: int = Field(512, ge=1, description="likeliest next tokens that are classified")
    temperature: float = Field(0.01, gt=0, description="sharpness of the target distribution")
    rescore: bool = Field(True, description="choose and classify candidates anew at every step")
    lookahead: int = Field(
        0, ge=0, description="tokens that the captioner adds to a candidate before it is classified"
    )
    enough: float = Field(1.0, gt=0, le=1, description="a P(label) above this counts as this")
    steps: int = Field(5, ge=0, description="gradient steps a token")
    step_size: float = Field(0.3, ge=0)
    norm_exponent: float = Field(0.9, description="gradients are divided by their norm to this")
    norm_floor: float = Field(1e-4, gt=0, description="smaller norms count as this (ours)")
    layers: int | None = Field(None, ge=1, description="move the last so many layers; none: all")
    moved: Literal["keys and values", "keys", "values"] = "keys and values"
    reset: bool = Field(True, description="start every token from the unmoved cache")
    fusion: float = Field(0.99, ge=0, le=1, description="exponent of the moved distribution")
    beams: int = Field(1, ge=1, description="hypotheses kept where the captioner does not say")
