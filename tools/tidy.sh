#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: tidy.sh [--deep] — runs clang-tidy on the library and the tools.
#
# Most checks spend their time in headers, mainly of other libraries, and again for each source. So they run on the joined
# sources of each folder, as CMAKE_UNITY_BUILD joins them. The analyzer runs on each source separately: it follows paths
# only in the file that it is given, and headers cost it little. It is shallow, which takes a quarter of the time, unless
# --deep is given.
set -euo pipefail
cd "$(dirname "$0")/.."
analyzer=(--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=mode=shallow)
[ "${1-}" != --deep ] || analyzer=()

joined=build/tidy/joined
apart=build/tidy/apart
cmake --preset asan -B "$joined" >/dev/null
cmake --preset asan -B "$apart" -DCMAKE_UNITY_BUILD=OFF >/dev/null
# bugprone-suspicious-include would report how the sources are joined, so it runs on the separate sources.
joined_checks='-clang-analyzer-*,-bugprone-suspicious-include'
apart_checks='-bugprone-*,bugprone-suspicious-include,-concurrency-*,-misc-*,-modernize-*,-performance-*,-readability-*'

# shellcheck disable=SC2016  # $0, $1, … are the inner shell's
run_tidy='build=$0 checks=$1 source=$2; shift 2; exec clang-tidy-19 --quiet -p "$build" --checks="$checks" "$@" "$source"'

# One list of jobs, long ones first, so that all cores stay busy until the end.
{
  find "$joined/CMakeFiles" "$joined/tools" -name 'unity_*.cxx' -printf "$joined $joined_checks %p\n"
  # Not part of this build, which has libsystemd; defines the same functions as service_systemd.cc.
  echo "$joined $joined_checks tools/qomiod/service_none.cc"
  git ls-files -z -- 'qapi/*.cc' 'object/*.cc' 'iothread/*.cc' 'tools/*.cc' | xargs -0 ls -S |
    sed "s|^|$apart $apart_checks |; s|\$|${analyzer[*]:+ ${analyzer[*]}}|"
} | xargs -L 1 -P "$(nproc)" sh -c "$run_tidy"
