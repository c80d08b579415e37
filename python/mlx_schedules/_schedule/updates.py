from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .._columns.names import explained
from .._columns.numbers import described
from .._columns.read import check_positive, one_number, whole
from .warn import warn


@explained
def total_updates(examples: int, batch_size: int, epochs: float = 1, accumulation: int = 1) -> int:
    """Count the optimizer updates of a run, which is what ``total_steps`` and ``decay_steps`` are.

    Formula:
        ⌊batches / accumulation⌋
        batches = epochs · ⌈examples / batch_size⌉, rounded to a whole number

    A smaller batch at the end of an epoch counts, as in a loop over ``range(0, examples, batch_size)`` and in torch's
    ``DataLoader``. Accumulation continues into the next epoch, and batches left over at the end of the run make no
    update, as in mlx-lm. If your trainer differs:

    - It drops the last batch (``drop_last=True``, mlx-lm): pass ``examples // batch_size * batch_size`` examples.
    - It ends each epoch with an update (transformers, accelerate): pass ``batch_size * accumulation`` as the batch
      size.

    Args:
        examples: Examples in an epoch. Of several processes: all of them.
        batch_size: Examples in a batch, over all processes.
        epochs: Passes over the examples. With a fraction the number of batches is rounded to a whole one.
        accumulation: Batches whose gradients are summed for one update.

    Raises:
        ValueError: A number is below 1 (``epochs``: not above 0), or there is no update at all.
        TypeError: A number is not whole (``epochs``: not real).

    Example:
        >>> import mlx_schedules as ms
        >>> ms.total_updates(50_000, 256, epochs=10)
        1960
        >>> rate = ms.warmup_cosine(1e-3, ms.total_updates(50_000, 64, epochs=10, accumulation=4), warmup=0.05)
        >>> rate.last_step
        1955

    Source:
        https://docs.pytorch.org/docs/stable/data.html, https://github.com/ml-explore/mlx-lm
    """
    sizes = {"examples": examples, "batch_size": batch_size, "accumulation": accumulation}
    all_examples, batch, together = (whole(f"[total_updates] {name}", size) for name, size in sizes.items())
    passes = Fraction(one_number("[total_updates] epochs", epochs, check_positive))
    in_epoch = -(-all_examples // batch)
    batches = round(passes * in_epoch)
    if not batches:
        raise ValueError(
            f"[total_updates] epochs must hold at least one of an epoch's {in_epoch} batches, got {described(epochs)}."
        )
    if batches < together:
        raise ValueError(
            f"[total_updates] accumulation must not be above the batches of the run, {described(batches)}, got "
            f"{described(accumulation)}: there would be no update."
        )
    return batches // together


def updates_of(config: Mapping[str, Any]) -> int:
    """Return the updates of a run of mlx-lm. ``iters`` are batches, and those left over make no update."""
    given = {key: value for key, value in config.items() if value is not None}  # null is mlx-lm's default
    for other, key in _OTHERS.items():
        if other in given and key not in given:
            warn(f"[from_dict] {other} is not counted, because mlx-lm reads {key} alone: write that.")
    iters = whole("[from_dict] iters", given.get("iters", _ITERS))
    accumulation = whole("[from_dict] grad_accumulation_steps", given.get("grad_accumulation_steps", 1))
    if iters < accumulation:
        raise ValueError(
            f"[from_dict] grad_accumulation_steps must not be above iters, {described(iters)}, got "
            f"{described(accumulation)}: there would be no update."
        )
    return iters // accumulation


_ITERS = 1000  # mlx-lm's default
_OTHERS = {"gradient_accumulation_steps": "grad_accumulation_steps", "epochs": "iters"}  # mlx-lm ignores these
