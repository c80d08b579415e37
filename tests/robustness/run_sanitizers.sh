#!/usr/bin/env bash
# Build the extension with AddressSanitizer and UndefinedBehaviorSanitizer, and run the tests and the fuzzer with it.
#
#     tests/robustness/run_sanitizers.sh [fuzz cases] [pytest arguments]
#
# Only the extension's own code is instrumented. Errors inside MLX, NumPy and Python are seen only if they access memory
# through a function that the sanitizer replaces (malloc, memcpy, ...). Leaks are not reported, because Python keeps
# memory until it ends; tests/test_threads.py measures the extension's memory over 10^6 calls. Any report ends the
# process and fails this script. Needs GCC and the extra `test`.
set -euo pipefail
cases=${1:-20000}
shift || true
cd "$(dirname "$0")/../.."
. tests/robustness/instrumented.sh
instrumented address,undefined __asan_init

export LD_PRELOAD="$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so):$(gcc -print-file-name=libstdc++.so)"
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:halt_on_error=1:detect_odr_violation=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

python tests/robustness/fuzz.py --cases "$cases"
# Some tests don't suit a sanitizer: the leak check, because freed memory is kept for a while; tests that read the build
# itself; and those of the Metal backend, which build their own modules.
python -m pytest -q -o cache_dir="$work/cache" \
  --deselect tests/test_threads.py::test_resident_memory_is_flat_over_a_million_calls \
  --ignore tests/test_packaging.py -m 'not metal' "$@"
