#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: go_client_test.sh QOMIOD QOMCTL — controls the daemon with a Go library written for QEMU. Exits with 77
# (skipped) if Go or the library is not installed.
set -euo pipefail
qomiod=$1
qomctl=$2
here=$(cd "$(dirname "$0")" && pwd)
libraries=/usr/share/gocode

if ! command -v go >/dev/null || [ ! -d "$libraries/src/github.com/digitalocean/go-qemu" ]; then
  echo "Skipped: needs Debian's golang-go and golang-github-digitalocean-go-qemu-dev"
  exit 77
fi
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

# Debian installs Go libraries in a GOPATH, which Go searches only if modules are turned off.
GO111MODULE=off GOPATH=$libraries GOCACHE=$work/cache go build -o "$work/client" "$here/go_client/main.go"

"$qomiod" --qmp "unix:$work/qmp.sock" --object iothread,id=io0 &
pid=$!
"$qomctl" -s "$work/qmp.sock" --wait --timeout 60 query-version >/dev/null
"$work/client" "$work/qmp.sock" io0
wait "$pid"
pid=
