#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: qomiod_config_test.sh QOMIOD QOMCTL — tests that the configuration can be saved to a file and loaded again.
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

# Values set by a global default are saved, because another run may have other global defaults. This includes properties
# that declare no default, such as cpu-affinity.
start --global iothread.cpu-affinity=0 --global iothread.thread-pool-max=7 --object iothread,id=io0
"$qomctl" --json query-config >"$work/config"
stop
start --config "$work/config" --global iothread.thread-pool-max=8 --object iothread,id=io1
"$qomctl" --json get io0 cpu-affinity | tr -d ' \n' | grep -q '^\[0\]$' || die "the affinity was lost"
[ "$("$qomctl" get io0 thread-pool-max)" = 7 ] || die "another run's default won over what was saved"
[ "$("$qomctl" get io1 thread-pool-max)" = 8 ] || die "a new object has not the present default"
stop

# refused TEXT CONTENT: requires that a file with this content is refused with its path and TEXT.
refused() {
  local said
  printf %s "$2" >"$work/bad"
  if said=$("$qomiod" --config "$work/bad" 2>&1); then die "$2: was not refused"; fi
  [ "$said" = "$qomiod: $work/bad:$1" ] || die "$2: expected '$1', got '$said'"
}
refused "1:7: JSON parse error, expecting value" '{"x": }'
refused "2:1: Device '/objects/b' not found" $'{"objects": [{"qom-type": "iothread", "id": "a"}], "settings": [\n{"path": "/objects/b", "properties": {}}]}'
refused "2:1: Parameter 'poll' is unexpected" $'{"objects": [\n{"qom-type": "iothread", "id": "a", "poll": 1}]}'
refused " Parameter 'modules' is unexpected" '{"modules": []}'
