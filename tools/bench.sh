#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds and runs all benchmarks and writes docs/PERFORMANCE.md from their output. Takes some minutes; the machine should
# be idle otherwise. To add a program that prints Markdown, add a line to `benchmarks`: its target, a title, the path of
# its source, and arguments if it needs any.
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

# module LIBRARY — prints the library's version according to pkg-config.
module() { pkg-config --modversion "$1" 2>/dev/null || true; }
# macro HEADER MACRO — prints the value of a macro that the header defines.
macro() { echo "$2" | "$compiler" -E -P -include "$1" -x c++ - 2>/dev/null | tail -1 | tr -d ' "' || true; }
# program PROGRAM — prints the first version number in the output of --version.
program() { "$1" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -1 || true; }
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")

tables=$(mktemp)
page=$(mktemp)
trap 'rm -f "$tables" "$page"' EXIT
{
  echo
  echo "| | |"
  echo "|---|---|"
  echo "| processor | $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1), $(nproc) of them$(
    grep -q '^flags.* hypervisor' /proc/cpuinfo && echo ', a virtual machine') |"
  echo "| kernel | $(uname -sr) |"
  echo "| compiler | $("$compiler" --version | head -1), RelWithDebInfo |"
  echo "| version | $(git describe --always 2>/dev/null || echo unknown) |"
  asio=$(macro asio/version.hpp ASIO_VERSION)
  peers=""
  for peer in "libuv:$(module libuv)" "Asio:${asio:+$((asio / 100000)).$((asio / 100 % 1000)).$((asio % 100))}" \
    "libevent:$(module libevent)" "libev:$(macro ev.h EV_VERSION_MAJOR.EV_VERSION_MINOR)" \
    "GLib and GObject:$(module glib-2.0)" "sd-event:$(module libsystemd)" "Qt:$(module Qt5Core)" \
    "QEMU:$(program qemu-system-x86_64)"; do
    if [[ ${peer#*:} ]]; then peers+="${peers:+, }${peer%%:*} ${peer#*:}"; fi
  done
  echo "| peers | $peers |"
  echo "| load before the run | $(cut -d' ' -f1 /proc/loadavg) |"
  for benchmark in "${benchmarks[@]}"; do
    IFS=: read -r target title source arguments <<<"$benchmark"
    echo
    echo "## $title"
    echo
    echo "\`$target\`, from \`$source\`."
    echo
    # shellcheck disable=SC2086  # several arguments, which may be patterns
    "$build/bin/$target" ${arguments-}
  done
} >"$tables"
python3 tools/bench_page.py tests/bench/PERFORMANCE.head.md "$tables" >"$page"
cp "$page" "$out"
echo "Wrote $out"
