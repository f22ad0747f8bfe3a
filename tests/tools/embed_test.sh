#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: embed_test.sh EMBED QOMCTL — runs the embedding example and controls it with qomctl while it runs.
set -euo pipefail
embed=$1
qomctl=$2
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
export QOMIO_SOCKET=$work/app.qmp

# expect_output TEXT WORDS…: requires that `qomctl WORDS` prints exactly TEXT.
expect_output() {
  local expected=$1 got
  shift
  got=$("$qomctl" "$@")
  [ "$got" = "$expected" ] || { echo "qomctl $*: expected '$expected', got '$got'"; exit 1; }
}

"$embed" "$QOMIO_SOCKET" &
pid=$!
"$qomctl" --wait --timeout 120 query-version
expect_output 500 get bucket0 rate
"$qomctl" add token-bucket b0 rate=250 iothread=io0
expect_output 250 get b0 rate
expect_output 500 get bucket0 rate
"$qomctl" set b0 rate 1000
expect_output 1000 get b0 rate
if "$qomctl" set b0 rate 0; then echo "a rate of 0 was taken"; exit 1; fi
expect_output 1000 get b0 rate
if "$qomctl" del io0; then echo "an IOThread in use was deleted"; exit 1; fi
"$qomctl" del b0
if "$qomctl" del io0; then echo "an IOThread in use was deleted"; exit 1; fi
"$qomctl" del bucket0
"$qomctl" del io0
"$qomctl" quit
wait "$pid"
pid=
