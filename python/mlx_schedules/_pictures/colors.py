"""Colours for 1 to 64 groups, each with a contrast of at least 3 to white paper and to a dark screen."""

from __future__ import annotations

# In order of hue, all about equally bright.
_WHEEL = ("#8A63D2", "#3D7DD8", "#1B8A9A", "#2E8B4A", "#857A1F", "#C26A1B", "#D64545", "#C9529B")
_APART = (1, 5, 3, 7, 0, 4, 2, 6)  # an order in which neighbours differ
MANY = len(_WHEEL)  # groups that can be told apart by eye; with more, the colours blend from the first to the last


def colors(count: int) -> list[str]:
    if count <= MANY:
        return [_WHEEL[i] for i in _APART[:count]]
    return [_between(i * (MANY - 2) / (count - 1)) for i in range(count)]  # from violet to red, not a full circle


def rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _between(x: float) -> str:
    left = min(int(x), MANY - 2)
    pairs = zip(rgb(_WHEEL[left]), rgb(_WHEEL[left + 1]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * (x - left)):02X}" for a, b in pairs)
