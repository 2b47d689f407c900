"""What the tests of the conformance checks have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aacbench.errors import PluginFault


@pytest.fixture(scope="session")
def fault_of() -> Callable[..., PluginFault]:
    """Runs a check that must fail; gives its fault, which has a sentence and a mend."""

    def found(check: Callable[..., None], *given: Any, **named: Any) -> PluginFault:
        with pytest.raises(PluginFault) as caught:
            check(*given, **named)
        assert "\n" not in caught.value.message
        assert caught.value.hint
        return caught.value

    return found
