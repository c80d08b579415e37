#!/usr/bin/env bash
# Try a release of MLX: build for it, run the tests with it and, if all pass, add it to the supported releases.
#
#     tests/release/try_mlx.sh VERSION [pytest arguments]
#
# Needs what building needs. If nanobind's tag has changed, CMake stops; if MLX's headers have, the compiler does; if
# MLX's behaviour has, the tests fail.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1

python3 -m venv "$work/try"
. "$work/try/bin/activate"
MLX_VERSIONS=$version pip wheel -q --no-deps --wheel-dir "$work" .
pip install -q "$(ls "$work"/*.whl)[cpu,test]"
python -m mlx_schedules doctor
pytest -q -n auto -m '' "$@"
python - "$version" << 'ADD'
import pathlib
import re
import sys

path = pathlib.Path("cmake/mlx_releases.py")
text, version = path.read_text(), sys.argv[1]
if f'"{version}"' not in text:
    path.write_text(re.sub(r"^(SUPPORTED = \(.*)\)", rf'\1, "{version}")', text, flags=re.MULTILINE))
print(re.search(r"^SUPPORTED.*\)", path.read_text(), re.MULTILINE)[0])
ADD
