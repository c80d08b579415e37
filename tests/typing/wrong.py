"""Calls that type checkers must refuse, one in each line. This file is never run."""

from collections.abc import Sequence

import mlx.core as mx
import mlx.optimizers as optim

import mlx_schedules as ms

cosine = ms.cosine_decay(1e-3, 1000)

ms.warmup_cosine("1e-3", 1000)  # wrong
ms.cosine_decay(1e-3, None)  # wrong
ms.cosine_decay(lr=1e-3, decay_steps=1000)  # wrong
ms.warmup_cosine(1e-3, 1000, 100)  # wrong
ms.warmup_stable_decay(1e-3, 1000, tail="sqrt")  # wrong
ms.join_schedules(cosine, [100])  # wrong
ms.join_schedules([cosine, 1e-3], [100])  # wrong
cosine.repeat(100, "3")  # wrong
ms.MultiOptimizer([optim.AdamW(0.0)], learning_rate="1e-3")  # wrong
ms.total_updates("50000", 64)  # wrong

first: str = cosine.segments[0].begin  # wrong
last: Sequence[int] = cosine.last_step  # wrong
joined: mx.array = ms.join_schedules([cosine, cosine], [100])  # wrong
