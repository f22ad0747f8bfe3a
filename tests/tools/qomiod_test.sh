#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: qomiod_test.sh QOMIOD QOMCTL — tests that qomctl adds, tunes and deletes objects in qomiod.
set -euo pipefail
qomiod=$1
qomctl=$2
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
export QOMIO_SOCKET=$work/qmp

die() {
  echo "$*" >&2
  exit 1
}

# expect STATUS OUTPUT WORDS…: requires that `qomctl WORDS` exits with STATUS and prints OUTPUT, on either stream.
expect() {
  local status=0 got
  got=$("$qomctl" --timeout 60 "${@:3}" 2>&1) || status=$?
  [ "$status" = "$1" ] || die "qomctl ${*:3}: expected status $1, got $status: $got"
  [ "$got" = "$2" ] || die "qomctl ${*:3}: expected '$2', got '$got'"
}

"$qomiod" --qmp "unix:$QOMIO_SOCKET" --object iothread,id=io0,poll-max-ns=16384 \
  --object '{"qom-type": "iothread", "id": "io1"}' &
pid=$!
"$qomctl" --wait --timeout 60 query-version

expect 0 16384 get io0 poll-max-ns
expect 0 32768 get io1 poll-max-ns
expect 0 "" add iothread io2 poll-max-ns=0x10
grep -qx 'IO io2' /proc/"$pid"/task/*/comm || die "no thread is named 'IO io2'"
expect 0 16 get /objects/io2 poll-max-ns
expect 0 "" set io2 poll-max-ns=5 poll-grow=3
expect 0 3 get io2 poll-grow
expect 1 "qomctl: poll-grow value must be in range [0, 9223372036854775807]" set io2 poll-max-ns=7 poll-grow=-1
expect 0 5 get io2 poll-max-ns # all or nothing
expect 1 "qomctl: Property 'iothread.poll-max' not found; did you mean 'poll-max-ns'?" set io2 poll-max=1
expect 0 "" del io2
! grep -qx 'IO io2' /proc/"$pid"/task/*/comm || die "the thread of io2 outlived it"
expect 1 "qomctl: object 'io2' not found" del io2
"$qomctl" help add iothread | grep -q '^poll-max-ns  *int  *32768  *0[.][.]  *maximum' || die "no help for poll-max-ns"

expect 0 "" quit
wait "$pid" || die "qomiod ended with status $?"
pid=
[ ! -e "$QOMIO_SOCKET" ] || die "the socket outlived the daemon"
