#!/usr/bin/env bash
# Build the extension with ThreadSanitizer and run tests/robustness/threads.py under it: any report fails this script.
#
#     tests/robustness/run_thread_sanitizer.sh
#
# The extension is instrumented; MLX and Python are not, so what they do by themselves is not reported, and their locks
# still order what the extension does. Needs GCC, and what the extra `test` installs.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

site=$work/site # comes before the installed package
python -m pip install -q --no-deps --target "$site" . \
  -C cmake.define.MLXS_SANITIZE=thread -C cmake.build-type=RelWithDebInfo -C install.strip=false
ln -s "$(python -c 'import importlib.util as u; print(list(u.find_spec("mlx").submodule_search_locations)[0])')" "$site/mlx"
grep -q __tsan_init "$site/mlx_schedules/_ext.abi3.so" || { echo "the extension is not instrumented" >&2; exit 1; }

export TSAN_OPTIONS=exitcode=66:ignore_noninstrumented_modules=1 PYTHONPATH=$site PYTHONDONTWRITEBYTECODE=1
export MLX_SCHEDULES_THREADS=3
LD_PRELOAD=$(gcc -print-file-name=libtsan.so) python tests/robustness/threads.py
