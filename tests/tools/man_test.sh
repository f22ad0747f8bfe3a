#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: man_test.sh PROGRAM PAGE — every option of a program is on its page, and none that it has not.
set -euo pipefail
options() { grep -o -- '--[a-z][a-z-]*' | sort -u; }
if ! diff <("$1" --help | options) <(grep '^\*-' "$2" | options); then
  echo "$2 and --help disagree" >&2
  exit 1
fi
