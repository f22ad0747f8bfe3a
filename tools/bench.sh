#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds and runs all benchmarks and writes docs/PERFORMANCE.md from what they say; takes some minutes, on a machine
# that should have nothing else to do. A program that prints Markdown takes part by a line in `benchmarks`: its target,
# a title, where its source is, and arguments if it needs any.
#
#     tools/bench.sh [FILE]     # FILE instead of docs/PERFORMANCE.md
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-docs/PERFORMANCE.md}
build=${QOMIO_BENCH_BUILD:-build/bench}
benchmarks=(
  "loop_bench:Event loops:tests/bench/loop"
  "replay_bench:Polling policies over recorded traces:tests/bench/replay.h:tests/bench/traces/*.txt"
  "object_bench:Objects:tests/bench/object_bench.cc"
  "qmp_bench:The daemon:tests/bench/qmp"
)

cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DQOMIO_BUILD_BENCH=ON >/dev/null
targets=()
for benchmark in "${benchmarks[@]}"; do targets+=("${benchmark%%:*}"); done
cmake --build "$build" --target "${targets[@]}"

page=$(mktemp)
trap 'rm -f "$page"' EXIT
{
  cat tests/bench/PERFORMANCE.head.md
  echo
  echo "| | |"
  echo "|---|---|"
  echo "| processor | $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1), $(nproc) of them$(
    grep -q '^flags.* hypervisor' /proc/cpuinfo && echo ', a virtual machine') |"
  echo "| kernel | $(uname -sr) |"
  compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
  echo "| compiler | $("$compiler" --version | head -1), RelWithDebInfo |"
  echo "| version | $(git describe --always 2>/dev/null || echo unknown) |"
  echo "| load before the run | $(cut -d' ' -f1 /proc/loadavg) |"
  for benchmark in "${benchmarks[@]}"; do
    IFS=: read -r target title source arguments <<<"$benchmark"
    echo
    echo "## $title"
    echo
    echo "\`$target\`, from \`$source\`."
    echo
    # shellcheck disable=SC2086  # arguments, of which a pattern may be one
    "$build/bin/$target" ${arguments-}
  done
} >"$page"
cp "$page" "$out"
echo "Wrote $out"
