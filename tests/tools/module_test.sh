#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: module_test.sh QOMIOD QOMCTL MODULE OTHER_ABI_MODULE — uses types of a module; refuses one of another ABI.
set -euo pipefail
qomiod=$1
qomctl=$2
module=$3
other=$4
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
export QOMIO_SOCKET=$work/qmp.sock

# refused TEXT COMMAND…: requires that the command fails and prints TEXT.
refused() {
  local expected=$1 said
  shift
  if said=$("$@" 2>&1); then echo "$*: was not refused"; exit 1; fi
  case $said in *"$expected"*) ;; *) echo "$*: expected '$expected', got '$said'"; exit 1 ;; esac
}

refused "is built for qomio-0.0, this program for qomio-" "$qomiod" --module "$other"
refused "could not load module '$work/none.so'" "$qomiod" --module "$work/none.so"
refused "does not accept value 'greeter'" "$qomiod" --object greeter,id=g0

"$qomiod" --module "$module" --object greeter,id=g0,name=World --qmp "unix:$QOMIO_SOCKET" &
pid=$!
"$qomctl" --wait --timeout 120 query-version >/dev/null
said=$("$qomctl" get g0 greeting)
[ "$said" = "Hello, World!" ] || { echo "the module's object says '$said'"; exit 1; }
"$qomctl" module-load path="$module"
refused "is built for qomio-0.0" "$qomctl" module-load path="$other"
"$qomctl" quit
wait "$pid"
pid=

# The same types, from a module that is loaded while the daemon runs.
"$qomiod" --qmp "unix:$QOMIO_SOCKET" &
pid=$!
"$qomctl" --wait --timeout 120 query-version >/dev/null
refused "does not accept value 'greeter'" "$qomctl" add greeter g1
"$qomctl" module-load path="$module"
"$qomctl" add greeter g1 name=you
[ "$("$qomctl" get g1 greeting)" = "Hello, you!" ]
"$qomctl" --json query-config >"$work/config"
"$qomctl" quit
wait "$pid"
pid=

# A configuration loads its modules, whatever the program's working directory is.
(cd / && exec "$qomiod" --config "$work/config" --qmp "unix:$QOMIO_SOCKET") &
pid=$!
"$qomctl" --wait --timeout 30 query-version >/dev/null
[ "$("$qomctl" get g1 greeting)" = "Hello, you!" ]
"$qomctl" quit
wait "$pid"
pid=
