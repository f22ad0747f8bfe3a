#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Demonstrates the main use: a daemon with IOThreads, controlled while it runs. Shows the JSON messages on the socket
# (-> to the daemon, <- from it), then builds and runs examples/embed against an installed copy of the library.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh
echo "Building…"
cmake --preset release >/dev/null
cmake --build --preset release --target qomiod qomctl

build=$PWD/build/release
work=$(mktemp -d)
daemon=
embed=
clean_up() {
  [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
  [ -z "$embed" ] || kill "$embed" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

export QOMIO_SOCKET=$work/qmp.sock

step() { printf '\n== %s\n' "$*"; }

# Runs the client and shows the command and its messages on the socket. Leaves out the greeting, the negotiation, and the
# list of properties that the client requests after an error to suggest a name.
ctl() {
  local status=0
  printf '$ qomctl %s\n' "$*"
  "$build/bin/qomctl" --trace "$@" >"$work/result" 2>"$work/trace" || status=$?
  sed -e 1,3d -e '/^-> {"execute":"qom-list/,+1d' "$work/trace"
  cat "$work/result"
  return $status
}

threads() {
  local task
  for task in /proc/"$1"/task/*; do
    printf '  %s  %s\n' "${task##*/}" "$(cat "$task/comm")"
  done
}

step "A daemon with two IOThreads, one given as key=value, one as JSON"
echo "$ qomiod --qmp unix:qmp.sock --object iothread,id=io0,poll-max-ns=16384 \\"
echo "         --object '{\"qom-type\": \"iothread\", \"id\": \"io1\"}'"
"$build/bin/qomiod" --qmp "unix:$QOMIO_SOCKET" --object iothread,id=io0,poll-max-ns=16384 \
  --object '{"qom-type": "iothread", "id": "io1"}' &
daemon=$!
"$build/bin/qomctl" --wait query-version >/dev/null

step "They run, and the daemon lists them"
ctl query-iothreads
echo "The kernel's view of the same threads:"
threads "$daemon"

step "A third one, while the daemon runs"
ctl add iothread io2 poll-max-ns=8192
threads "$daemon"

step "A running loop takes a new setting at once"
ctl set io2 poll-max-ns=50000
ctl get io2 poll-max-ns

step "A value that can't be is refused, and nothing has changed"
if ctl set io2 poll-max-ns=-1; then
  echo "The daemon took a negative time" >&2
  exit 1
fi
[ "$("$build/bin/qomctl" get io2 poll-max-ns)" = 50000 ]
ctl get io2 poll-max-ns

step "One is deleted, its thread ends"
ctl del io2
threads "$daemon"

step "The end"
ctl quit
wait "$daemon"
daemon=

step "The same in a program of your own: examples/embed, built against an installed copy"
cmake --install "$build" --prefix "$work/prefix" >/dev/null
cmake -G Ninja -S examples/embed -B "$work/embed" -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
cmake --build "$work/embed"
export QOMIO_SOCKET=$work/app.qmp
"$work/embed/embed" "$QOMIO_SOCKET" &
embed=$!
"$build/bin/qomctl" --wait query-version >/dev/null
ctl add token-bucket b0 rate=500 iothread=io0
ctl query-iothreads
if ctl del io0; then
  echo "An IOThread in use was deleted" >&2
  exit 1
fi
ctl del b0
ctl quit
wait "$embed"
embed=
printf '\nThe demonstration is over: everything did what it should.\n'
