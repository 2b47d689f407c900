"""A beginning spelt with one token more, some hundred times over, without starting anew each time.

A guide that reads every candidate needs all those texts at every token. Tokenizers whose pieces are
bytes lend themselves to it: their text is that of their pieces, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

BROKEN = "\ufffd"  # what stands where bytes make no character


def tidied(text: str) -> str:
    """Blanks made single, none at the ends, the first letter a capital."""
    text = " ".join(text.split())
    return text[:1].upper() + text[1:]


class Spelling:
    """The ``continuations`` of a tokenizer whose ``decode(tokens)`` is ``tidied(raw(tokens))``.

    ``raw(tokens)`` must be what ``raw`` gives of each token, one after the other, except where
    bytes of one character are spread over several: as byte-level pieces are, special tokens left
    out, and no blanks taken away before punctuation.
    """

    def __init__(self, raw: Callable[[list[int]], str]) -> None:
        self._raw = raw
        # Whether a piece begins with a blank, and its words; None where it needs those before it.
        self._pieces: dict[int, tuple[bool, str] | None] = {}

    def continuations(self, prefix: Sequence[int], tokens: Sequence[int]) -> list[str]:
        """What ``decode([*prefix, token])`` gives of each token."""
        begun = self._raw(list(prefix))
        text = tidied(begun)
        apart = begun[-1:].isspace()
        found: list[str] = []
        for token in tokens:
            piece = self._piece(token) if BROKEN not in begun else None
            if piece is None or not text:
                found.append(tidied(self._raw([*prefix, token])))
                continue
            blank, words = piece
            between = " " if words and (blank or apart) else ""
            found.append(text + between + words)
        return found

    def _piece(self, token: int) -> tuple[bool, str] | None:
        if token not in self._pieces:
            raw = self._raw([token])
            whole = BROKEN not in raw
            self._pieces[token] = (raw[:1].isspace(), " ".join(raw.split())) if whole else None
        return self._pieces[token]
