#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# clang-tidy over all of the library and the tools. Most checks spend their time in headers, those of others above all,
# anew for each source. So they see a folder's sources joined, as CMAKE_UNITY_BUILD joins them. The analyzer sees each
# source by itself: it follows paths only in the file that it is given, and headers cost it little.
set -euo pipefail
cd "$(dirname "$0")/.."

joined=build/tidy/joined
apart=build/tidy/apart
cmake --preset asan -B "$joined" >/dev/null
cmake --preset asan -B "$apart" -DCMAKE_UNITY_BUILD=OFF >/dev/null
# How sources are joined is not to be minded: that check sees them apart.
joined_checks='-clang-analyzer-*,-bugprone-suspicious-include'
apart_checks='-bugprone-*,bugprone-suspicious-include,-concurrency-*,-misc-*,-modernize-*,-performance-*,-readability-*'

# shellcheck disable=SC2016  # $0, $1 and $2 are the inner shell's
run_tidy='exec clang-tidy-19 --quiet -p "$0" --checks="$1" "$2"'

# One list of jobs, the long ones first, so that no core waits for the last one.
{
  find "$joined/CMakeFiles" "$joined/tools" -name 'unity_*.cxx' -printf "$joined $joined_checks %p\n"
  # What qomiod has where there is no libsystemd is not built here, and does not go with what is.
  echo "$joined $joined_checks tools/qomiod/service_none.cc"
  git ls-files -z -- 'qapi/*.cc' 'object/*.cc' 'iothread/*.cc' 'tools/*.cc' | xargs -0 ls -S |
    sed "s|^|$apart $apart_checks |"
} | xargs -L 1 -P "$(nproc)" sh -c "$run_tidy"
