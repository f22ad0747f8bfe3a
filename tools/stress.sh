#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: tools/stress.sh [RUNS [BUSY]] [ctest options…] — runs all tests of the release build RUNS times, eight in
# parallel, beside BUSY busy loops; then three times on one CPU. Finds tests whose result depends on scheduling.
# Default: 20 runs, 4 loops. A run takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1-20}
busy=${2-4}
shift $(($# < 2 ? $# : 2))

loops=()
trap '[ ${#loops[@]} -eq 0 ] || kill "${loops[@]}"' EXIT
for ((i = 0; i < busy; ++i)); do
  while :; do :; done &
  loops+=($!)
done

failed=0
# run WHAT COMMAND…
run() {
  local what=$1 log
  shift
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then
    echo "$what: $(grep 'tests passed' "$log")"
  else
    failed=$((failed + 1))
    echo "$what: failed"
    sed -n '/The following tests FAILED/,$p' "$log"
    cp "$log" "build/stress-failure-$failed.log"
  fi
  rm "$log"
}

for ((i = 1; i <= runs; ++i)); do
  run "run $i of $runs beside $busy busy loops" ctest --preset release --parallel 8 "$@"
done
[ ${#loops[@]} -eq 0 ] || kill "${loops[@]}"
loops=()
for i in 1 2 3; do
  run "run $i of 3 on one CPU" taskset -c 0 ctest --preset release --parallel 8 "$@"
done
echo "$failed runs failed"
[ "$failed" -eq 0 ]
