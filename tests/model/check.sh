#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Checks a Promela model with spin: check.sh MODEL holds, or check.sh MODEL fails VARIANT ERROR. ERROR is part of the
# message for the first error. Exits with 77 (skipped) if spin or a C compiler is not installed.
set -euo pipefail
model=$(realpath "$1")
expected=$2
variant=${3-}
error=${4-}

if ! command -v spin >/dev/null || ! command -v cc >/dev/null; then
  echo "skipped: spin (or a C compiler) is not installed; tools/setup.sh --all installs it"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
spin ${variant:+"-D$variant"} -a "$model" >/dev/null
cc -O0 -w -DSAFETY -o pan pan.c
./pan -m100000 >report || true
if ! grep -q 'errors: ' report || grep -qE 'max search depth too small|out of memory' report; then
  cat report
  echo "the search did not come to its end"
  exit 1
fi
errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' report)
if [ "$expected" = holds ] && [ "$errors" -eq 0 ]; then exit 0; fi
if [ "$expected" = fails ] && [ "$errors" -gt 0 ] && grep -F 'pan:1: ' report | grep -qF "$error"; then exit 0; fi
cat report
echo "expected: the model $expected${variant:+ with $variant}${error:+ by: $error}; errors found: $errors"
if [ "$errors" -gt 0 ]; then ./pan -r ./*.trail || true; fi
exit 1
