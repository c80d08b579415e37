"""All suites: cpu, groups, exact and gpu."""

from ..case import SUITES
from . import columns, exact, gpu, groups, steps

__all__ = ["SUITES", "columns", "exact", "gpu", "groups", "steps"]
