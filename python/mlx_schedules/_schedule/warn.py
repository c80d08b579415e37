"""Warnings that point to the user's line, however deep inside this package they are raised."""

from __future__ import annotations

import sys
import warnings
from itertools import count

_OURS = __name__.partition(".")[0]


def warn(message: str) -> None:
    level = next(n for n in count(1) if not _is_ours(n + 1))
    warnings.warn(message, stacklevel=level + 1)


def _is_ours(depth: int) -> bool:
    """Tell whether the frame `depth` calls up is in this package."""
    try:
        name = sys._getframe(depth + 1).f_globals.get("__name__", "")
    except ValueError:  # there are fewer frames
        return False
    return str(name).partition(".")[0] == _OURS
