#!/usr/bin/env bash
# Build the extension with ThreadSanitizer and run tests/robustness/threads.py with it. Any report fails this script.
#
#     tests/robustness/run_thread_sanitizer.sh
#
# Only the extension is instrumented. What MLX and Python do by themselves isn't reported, but their locks still order
# what the extension does. Needs GCC and the extra `test`.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/robustness/instrumented.sh
instrumented thread __tsan_init

export TSAN_OPTIONS=exitcode=66:ignore_noninstrumented_modules=1
export MLX_SCHEDULES_THREADS=3
LD_PRELOAD=$(gcc -print-file-name=libtsan.so) python tests/robustness/threads.py
