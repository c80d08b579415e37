#!/usr/bin/env bash
# Build the macOS arm64 wheel on Linux: build_wheel.sh OUTPUT_FOLDER
# In an environment with the build requirements of pyproject.toml and the extra `cross`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
output=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 "$here/mlx_for_macos.py" 14 "$work/mlx"
python3 "$here/link_stubs.py" "$work/mlx/mlx" "$work/stubs"
MLXS_STUBS=$work/stubs python3 -m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir "$work/wheel" "$project" \
  -C install.strip=false \
  -C build-dir="$work/build" \
  -C cmake.define.CMAKE_TOOLCHAIN_FILE="$here/toolchain.cmake" \
  -C cmake.define.MLX_ROOT="$work/mlx/mlx/share/cmake/MLX"
python3 -m wheel tags --platform-tag macosx_14_0_arm64 --remove "$work"/wheel/*.whl
mkdir -p "$output"
mv "$work"/wheel/*.whl "$output"
