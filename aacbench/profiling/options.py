"""One option of a captioner, its guides or its parts, by a key: ``guide.steps``, ``beams``,
``encoder.weights``; and the same captioner with another value of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from aacbench import catalog, expressions
from aacbench.errors import BadOption, nearest
from aacbench.expressions import Term
from aacbench.specs import Choice, Kind

HOW = "Write KEY=v1,v2,... with an option of the captioner (beams), or of a guide (guide.steps)."


def read_sweep(text: str) -> tuple[str, list[Any]]:
    """``"guide.steps=0,1,3"`` as a key and its values."""
    key, equals, values = text.partition("=")
    pieces = [piece.strip() for piece in expressions.split_outside(values, ",")]
    if not equals or not key.strip() or not all(pieces):
        raise BadOption(f"'{text}' is no option with values.", HOW)
    found = [expressions.read_value(piece) for piece in pieces]
    if len({expressions.write_value(value) for value in found}) < len(found):
        raise BadOption(f"'{text}' names a value twice.", "Give each value once.")
    return key.strip(), found


def with_value(expression: str, key: str, value: Any) -> tuple[str, str]:
    """The expression with that value, and the key as it was understood.

    ``n_x``, the number of x, is understood as the option ``x`` where only that exists: papers
    write n for what an option here calls by its name.
    """
    choice = catalog.choose("captioners", expression)
    terms = list(expressions.parse(choice.expression))
    head, *rest = key.split(".")
    for place, guide in enumerate(choice.guides, 1):
        if rest and guide.spec.name == head:
            terms[place], said = _changed("guides", guide, terms[place], rest, value)
            return "+".join(map(_written, terms)), f"{head}.{said}"
    path = rest if rest and head == choice.spec.name else [head, *rest]
    others = [guide.spec.name for guide in choice.guides]
    terms[0], said = _changed("captioners", choice, terms[0], path, value, others)
    return "+".join(map(_written, terms)), said


def _changed(
    kind: Kind, choice: Choice, term: Term, path: list[str], value: Any, others: Iterable[str] = ()
) -> tuple[Term, str]:
    """A term with one option changed, and the option's name."""
    head, *rest = path
    if rest:
        if head not in choice.spec.parts:
            known = [*others, *choice.spec.parts]
            raise BadOption(
                f"'{choice.spec.name}' has no guide or part '{head}'.", nearest(head, known)
            )
        inner = catalog.parts_of(choice).get(head)
        if inner is None:
            raise BadOption(f"'{choice.spec.name}' uses no {head} here.", HOW)
        inside = expressions.parse(inner.expression)[0]
        kind = choice.spec.parts[head]
        changed, said = _changed(kind, inner, inside, rest, value)
        return _with_option(term, head, _written(changed)), f"{head}.{said}"
    name = _known(choice, head, others)
    return _with_option(term, name, value), name


def _known(choice: Choice, name: str, others: Iterable[str]) -> str:
    """The option's name; `BadOption` where there is none like it."""
    if choice.options.__class__ is dict:  # of a class in a file, which says itself what it takes
        return name
    known = list(getattr(type(choice.options), "model_fields", {}))
    if name in known:
        return name
    short = name.removeprefix("n_")
    if short in known:
        return short
    offered = [*known, *(f"{other}." for other in others)]
    raise BadOption(f"'{choice.spec.name}' has no option '{name}'.", nearest(short, offered))


def _with_option(term: Term, name: str, value: Any) -> Term:
    return replace(term, options={**term.options, name: value})


def _written(term: Term) -> str:
    if term.is_file:
        return expressions.write(f"{term.name}:{term.preset}", None, None, term.options)
    return expressions.write(term.name, term.preset, term.source, term.options)
