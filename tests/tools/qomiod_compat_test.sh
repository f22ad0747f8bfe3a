#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: qomiod_compat_test.sh QOMIOD — tests how --compat is parsed, and that its policy takes effect.
set -euo pipefail
qomiod=$1

die() {
  echo "$*" >&2
  exit 1
}

# refused OPTION TEXT: requires that --compat OPTION fails with TEXT.
refused() {
  local said
  if said=$("$qomiod" --compat "$1" 2>&1 </dev/null); then die "--compat $1: was not refused"; fi
  [ "$said" = "$qomiod: --compat $1: $2" ] || die "--compat $1: expected '$2', got '$said'"
}
refused foo=1 "Parameter 'foo' is unexpected"
refused deprecated-input=bar "Parameter 'deprecated-input' does not accept value 'bar'"
refused deprecated-output=reject "Parameter 'deprecated-output' does not accept value 'reject'"
refused deprecated-input "Expected '=' after parameter 'deprecated-input'"
refused help "Help is not available for this option"
refused '{"unstable-input": 1}' "Invalid parameter type for 'unstable-input', expected: string"

schema() {
  printf '%s\n' '{"execute": "qmp_capabilities"}' '{"execute": "query-qmp-schema"}' '{"execute": "quit"}' |
    "$qomiod" --qmp stdio "$@"
}
schema | grep -q '"values": \[' || die "the schema lacks the older form of enums"
if schema --compat unstable-input=reject --compat '{"deprecated-output": "hide"}' | grep -q '"values": \['; then
  die "what is deprecated is not hidden"
fi
