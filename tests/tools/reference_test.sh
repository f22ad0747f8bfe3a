#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: reference_test.sh QOMIOD PAGE — the page in docs/ is what the daemon says of itself.
set -euo pipefail
if ! diff -u "$2" <("$1" --print-qmp-reference); then
  echo "$2 is out of date; write it anew with: qomiod --print-qmp-reference >docs/QMP.md" >&2
  exit 1
fi
