#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: man_test.sh PROGRAM PAGE — tests that the man page has exactly the options that --help lists.
set -euo pipefail
options() { grep -o -- '--[a-z][a-z-]*' | sort -u; }
if ! diff <("$1" --help | options) <(grep '^\*-' "$2" | options); then
  echo "$2 and --help disagree" >&2
  exit 1
fi
