"""What the pages say was measured is what the files in bench/results hold."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
GROUPS = (ROOT / "docs" / "groups.md").read_text()
MEASURED = (ROOT / "bench" / "results" / "half-precision.md").read_text().splitlines()
SECTION = GROUPS[GROUPS.index("## Half-precision weights") : GROUPS.index("## Layer-wise decay")]
ROWS = re.findall(r"^\| .* \|$", SECTION, re.MULTILINE)


def test_there_are_two_tables_of_three_rows():
    assert len(ROWS) == 2 * (1 + 3)


@pytest.mark.parametrize("row", ROWS)
def test_half_precision_is_as_measured(row):
    assert row in MEASURED
