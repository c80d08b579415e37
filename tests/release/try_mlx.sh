#!/usr/bin/env bash
# Try a release of MLX: build for it, run the suite under it, and where all passes add it to the list of those supported.
#
#     tests/release/try_mlx.sh VERSION [pytest arguments]
#
# Needs what building needs. What is wrong is shown by what stops: CMake where nanobind's tag changed, the compiler where
# MLX's headers did, the suite where its behaviour did.
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
