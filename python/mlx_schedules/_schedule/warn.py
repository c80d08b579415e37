"""Warnings that point to the caller's line, however deep in this package they arise."""

from __future__ import annotations

import sys
import warnings
from itertools import count

_OURS = __name__.partition(".")[0]


def warn(message: str) -> None:
    level = next(n for n in count(1) if not _is_ours(n + 1))
    warnings.warn(message, stacklevel=level + 1)


def _is_ours(depth: int) -> bool:
    """Whether the frame `depth` calls above is a function of this package."""
    try:
        name = sys._getframe(depth + 1).f_globals.get("__name__", "")
    except ValueError:  # no frame is so far up
        return False
    return str(name).partition(".")[0] == _OURS
