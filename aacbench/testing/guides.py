"""Check of guides: how they move the cache, and the loss that they move it by."""

from __future__ import annotations

from aacbench.testing.rules import expect, named, shown
from aacbench.types import Guide


def check_guide(guide: Guide, name: str | None = None) -> None:
    """Check `steering`, `beams`, and `loss` at two steps, on rows together and alone.

    Raises `PluginFault` for the first rule that is broken.
    """
    from aacbench.testing.losses import check_losses

    part = named("guide", guide, name)
    beams = getattr(guide, "beams", None)
    expect(
        isinstance(beams, int) and beams >= 1,
        part,
        f"beams is {shown(beams)}",
        "It is how many hypotheses are kept where the captioner does not say: 1 or more.",
    )
    check_losses(part, guide)
