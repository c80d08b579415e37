"""All suites: cpu, groups, exact and gpu."""

from ..case import SUITES
from . import columns, gpu, groups, steps, exact  # noqa: I001  exact last: it counts before --only can leave it out

__all__ = ["SUITES", "columns", "exact", "gpu", "groups", "steps"]
