"""Colours for 1 group or 64, each with a contrast of 3 and more to white paper and to a dark screen."""

from __future__ import annotations

# By hue, all about as bright as each other.
_WHEEL = ("#8A63D2", "#3D7DD8", "#1B8A9A", "#2E8B4A", "#857A1F", "#C26A1B", "#D64545", "#C9529B")
_APART = (1, 5, 3, 7, 0, 4, 2, 6)  # so that neighbours differ
MANY = len(_WHEEL)  # groups told apart by eye; beyond, the colours run from the first group to the last


def colors(count: int) -> list[str]:
    if count <= MANY:
        return [_WHEEL[i] for i in _APART[:count]]
    return [_between(i * (MANY - 2) / (count - 1)) for i in range(count)]  # violet to red, not round the wheel


def rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _between(x: float) -> str:
    left = min(int(x), MANY - 2)
    pairs = zip(rgb(_WHEEL[left]), rgb(_WHEEL[left + 1]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * (x - left)):02X}" for a, b in pairs)
