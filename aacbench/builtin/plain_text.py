"""Text from strangers as a model can take it."""

from __future__ import annotations


def plain(text: str) -> str:
    """`text` without lone surrogates, control characters, or edges of white space.

    Empty where nothing is left.
    """
    spoken = text.encode("utf-8", "ignore").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in spoken).split())
