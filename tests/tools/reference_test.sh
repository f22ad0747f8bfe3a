#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: reference_test.sh QOMIOD ROOT — tests that docs/QMP.md is the output of tools/qmp_reference.py.
set -euo pipefail
cd "$2"
command=(python3 tools/qmp_reference.py "$1" docs/QMP.head.md docs/QMP.examples.md)
if ! diff -u docs/QMP.md <("${command[@]}"); then
  echo "docs/QMP.md is out of date; run: ${command[*]} >docs/QMP.md" >&2
  exit 1
fi
