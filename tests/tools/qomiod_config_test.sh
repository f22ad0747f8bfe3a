#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: qomiod_config_test.sh QOMIOD QOMCTL — what runs can be written to a file, and run again from it.
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

start() {
  "$qomiod" --qmp "unix:$QOMIO_SOCKET" "$@" &
  pid=$!
  "$qomctl" --wait --timeout 60 query-version >/dev/null
}

stop() {
  "$qomctl" quit
  wait "$pid" || die "qomiod ended with status $?"
  pid=
}

start --object iothread,id=io0,poll-max-ns=16384 --object iothread,id=io1,cpu-affinity=0 --object main-loop,id=ml
"$qomctl" set io1 poll-policy=classic aio-max-batch=5
"$qomctl" add iothread io2
"$qomctl" set io2 thread-pool-max=3
"$qomctl" --json query-config >"$work/config"
grep -q '"poll-max-ns": 16384' "$work/config" || die "the configuration lacks what was set: $(cat "$work/config")"
if grep -q thread-pool-min "$work/config"; then die "the configuration tells defaults"; fi
stop

start --config "$work/config" --object iothread,id=io3
"$qomctl" del io3
"$qomctl" --json query-config | diff "$work/config" - || die "it is not what ran before"
stop

# refused TEXT CONTENT: such a file is an error that tells its place.
refused() {
  local said
  printf %s "$2" >"$work/bad"
  if said=$("$qomiod" --config "$work/bad" 2>&1); then die "$2: was not refused"; fi
  [ "$said" = "$qomiod: $work/bad:$1" ] || die "$2: expected '$1', got '$said'"
}
refused "1:7: JSON parse error, expecting value" '{"x": }'
refused "2:1: Parameter 'poll' is unexpected" $'{"objects": [\n{"qom-type": "iothread", "id": "a", "poll": 1}]}'
refused " Parameter 'modules' is unexpected" '{"modules": []}'
