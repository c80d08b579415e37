#!/usr/bin/env bash
# Build the macOS arm64 wheel on Linux: build_wheel.sh OUTPUT_FOLDER
# It is built for every supported release of MLX, or for those that MLX_VERSIONS names. The Python environment needs the
# build requirements of pyproject.toml and the extra `cross`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
output=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export MLX_VERSIONS=${MLX_VERSIONS:-all}
packages=$(python3 "$project/cmake/mlx_releases.py" "$work/mlx" macosx_14_0_arm64) # VERSION=PACKAGE;...
python3 "$here/link_stubs.py" "$work/stubs" $(tr ';' '\n' <<< "$packages" | cut -d= -f2)
MLXS_STUBS=$work/stubs python3 -m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir "$work/wheel" "$project" \
  -C install.strip=false \
  -C build-dir="$work/build" \
  -C cmake.define.CMAKE_TOOLCHAIN_FILE="$here/toolchain.cmake" \
  -C cmake.define.MLX_PACKAGES="$packages"
python3 -m wheel tags --platform-tag macosx_14_0_arm64 --remove "$work"/wheel/*.whl
mkdir -p "$output"
mv "$work"/wheel/*.whl "$output"
