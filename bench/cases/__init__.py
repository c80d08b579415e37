"""All suites: cpu, groups, exact and gpu."""

from ..case import SUITES

# isort: off
from . import columns, gpu, groups, steps, exact  # exact last: it counts before --only can leave it out

__all__ = ["SUITES", "columns", "exact", "gpu", "groups", "steps"]
