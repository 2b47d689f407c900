"""The one decoding loop: every captioner that can be stepped token by token is decoded here."""

from aacbench.decoding.search import Decoding, Hypothesis, decode, search

__all__ = ["Decoding", "Hypothesis", "decode", "search"]
