#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: forbidden_include_test.sh CHECK — tests that the check refuses each kind of forbidden include.
set -euo pipefail
check=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{qapi/internal/json,object/internal,iothread,tools,examples,cmake}
echo 'qapi/internal/json/clear.h' >"$root/cmake/internal_headers.txt"

# expect STATUS FILE INCLUDE
expect() {
  local status=0
  printf '%s\n' "$3" >"$root/$2"
  python3 "$check" "$root" >/dev/null || status=$?
  if [ "$status" -ne "$1" ]; then
    echo "$2 with '$3': expected status $1, got $status"
    exit 1
  fi
  rm "$root/$2"
}

expect 0 object/tree.h '#include "qomio/qapi/error.h"'
expect 0 tools/a.cc '#include "qomio/iothread/iothread.h"'
expect 0 qapi/json.cc '#include <vector>'
# between folders
expect 1 qapi/error.h '#include "qomio/object/object.h"'
expect 1 qapi/error.cc '  #  include <qomio/iothread/iothread.h>'
expect 1 object/tree.h '#include "qomio/iothread/iothread.h"'
expect 1 iothread/timer.cc '#include "qomio/tools/qomctl/table.h"'
expect 1 iothread/timer.cc '#include "qomio/qomio.h"'
expect 1 examples/a.cc '#include "qomio/tools/qomctl/table.h"'
# relative names
expect 1 qapi/error.cc '#include "../object/object.h"'
# within a folder
expect 0 object/link.cc '#include "qomio/object/tree.h"'
expect 1 object/tree.cc '#include "qomio/object/link.h"'
expect 1 object/no_such_component.h '#include <vector>'
# internal headers
expect 1 tools/a.cc '#include "qomio/qapi/internal/json/clear.h"'
expect 0 qapi/describe.h '#include "qomio/qapi/internal/json/clear.h"'
expect 1 qapi/keyval.h '#include "qomio/qapi/internal/json/lexer.h"'
expect 0 qapi/keyval.cc '#include "qomio/qapi/internal/json/lexer.h"'
