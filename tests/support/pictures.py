"""What tests of pictures share: two groups in Python and on the command line, and the output of the preview."""

import mlx_schedules as ms
from mlx_schedules.__main__ import main

GROUPS = ms.cosine_decay([1e-3, 1e-4], [1000, 2000], end=[0.0, 1e-6])
ARGUMENTS = ["preview", "--init", "1e-3", "1e-4", "--decay-steps", "1000", "2000", "--end", "0", "1e-6"]


def preview(capsys, *arguments):
    assert main(["preview", *arguments]) == 0
    return capsys.readouterr().out
