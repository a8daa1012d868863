"""Both forms of the recursion, for tests that must hold for either."""

from __future__ import annotations

import pytest

from optimizer.planning.kernel.plain import ListWorths

KERNELS = [pytest.param(ListWorths, id="plain")]
