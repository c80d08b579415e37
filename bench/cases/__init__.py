"""All suites: cpu, groups, exact and gpu."""

from ..case import SUITES
from . import exact, gpu, groups, steps

__all__ = ["SUITES", "exact", "gpu", "groups", "steps"]
