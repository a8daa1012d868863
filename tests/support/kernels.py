"""Both forms of the recursion, for tests that must hold for either."""

from __future__ import annotations

import pytest

from optimizer.planning.kernel.choice import compiled, plain, why_not_compiled

_WHY_NOT = why_not_compiled()
KERNELS = [
    pytest.param(plain, id="plain"),
    pytest.param(compiled, id="compiled", marks=pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT))),
]
