"""Parameters of a captioner: of every torch module that can be reached from it or that it calls.

A tensor that several parts share is counted once, in the part where it is met first.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

DEEPEST = 8
MOST = 50_000  # objects looked at; what is deeper or beyond is no part of a model
PLAIN = (str, bytes, int, float, complex, bool, type(None), type, types.ModuleType)


def parameters(captioner: Any, called: list[nn.Module]) -> dict[str, Any]:
    """Counts by part. `total` is of the parts of which something was called while captioning,
    `loaded` of all; `buffers` are tensors of the parts at work that do not learn."""
    found = parts(captioner)
    known = {id(inner) for module in found.values() for inner in module.modules()}
    for module in called:  # outermost first, since a module is called before those inside it
        if id(module) not in known:
            found[f"{type(module).__name__} (not reachable from the captioner)"] = module
            known |= {id(inner) for inner in module.modules()}
    at_work = {id(module) for module in called}
    seen: set[int] = set()
    table: dict[str, dict[str, Any]] = {}
    for name, module in found.items():
        used = any(id(inner) in at_work for inner in module.modules())
        table[name] = {
            "parameters": _count(module.parameters(), seen),
            "buffers": _count(module.buffers(), seen),
            "used": used,
        }
    used_parts = [one for one in table.values() if one["used"]]
    return {
        "total": sum(one["parameters"] for one in used_parts),
        "loaded": sum(one["parameters"] for one in table.values()),
        "buffers": sum(one["buffers"] for one in used_parts),
        "parts": table,
    }


def _count(tensors: Any, seen: set[int]) -> int:
    """Elements of the tensors that were not seen before."""
    total = 0
    for tensor in tensors:
        if id(tensor) not in seen:
            seen.add(id(tensor))
            total += tensor.numel()
    return total


def parts(root: Any) -> dict[str, nn.Module]:
    """The outermost torch modules that can be reached, by where they hang; one that is a mere
    container of others, with no `forward` of its own, stands as those."""
    from torch import nn

    found: dict[str, nn.Module] = {}
    waiting: list[tuple[str, Any, int]] = [("", root, 0)]
    seen: set[int] = set()
    while waiting and len(seen) < MOST:
        path, thing, depth = waiting.pop(0)
        if id(thing) in seen or isinstance(thing, PLAIN):
            continue
        seen.add(id(thing))
        if isinstance(thing, nn.Module) and not _is_container(thing):
            found[path or type(thing).__name__] = thing
        elif depth < DEEPEST:
            waiting += [(_joined(path, name), inner, depth + 1) for name, inner in _inside(thing)]
    return found


def _is_container(module: nn.Module) -> bool:
    from torch import nn

    own = next(module.parameters(recurse=False), None)
    return type(module).forward is nn.Module.forward and own is None


def _joined(path: str, name: str) -> str:
    name = name.lstrip("_")
    return f"{path}.{name}" if path and name else path or name


def _inside(thing: Any) -> Iterator[tuple[str, Any]]:
    """What an object holds: attributes, members, and what a bound or partial function is of."""
    from torch import nn

    if isinstance(thing, nn.Module):
        yield from thing.named_children()
    elif isinstance(thing, Mapping):
        yield from ((str(name), value) for name, value in list(thing.items())[:MOST])
    elif isinstance(thing, list | tuple | set | frozenset):
        several = len(thing) > 1
        yield from ((str(n) if several else "", value) for n, value in enumerate(thing))
    elif isinstance(thing, types.MethodType):
        yield "", thing.__self__
    elif isinstance(thing, partial):
        yield from (("", inner) for inner in (thing.func, *thing.args, *thing.keywords.values()))
    elif isinstance(thing, types.FunctionType):
        for cell in thing.__closure__ or ():
            yield "", cell.cell_contents
    else:
        yield from getattr(thing, "__dict__", {}).items()
        for owner in type(thing).__mro__:
            names = getattr(owner, "__slots__", ())
            for name in (names,) if isinstance(names, str) else names:
                if hasattr(thing, name):
                    yield name, getattr(thing, name)


@contextmanager
def recording() -> Iterator[list[nn.Module]]:
    """The torch modules that are called inside, each once, in order."""
    from torch.nn.modules.module import register_module_forward_pre_hook

    called: dict[int, nn.Module] = {}

    def note(module: nn.Module, _: Any) -> None:
        called.setdefault(id(module), module)

    handle = register_module_forward_pre_hook(note)
    found: list[nn.Module] = []
    try:
        yield found
    finally:
        handle.remove()
        found.extend(called.values())
