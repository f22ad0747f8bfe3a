#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: forbidden_include_test.sh CHECK — the check refuses each kind of include that runs against the arrows.
set -euo pipefail
check=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root"/{qapi,object,iothread,tools}

# expect STATUS FILE INCLUDE
expect() {
  local status=0
  printf '%s\n' "$3" >"$root/$2"
  "$check" "$root" >/dev/null || status=$?
  if [ "$status" -ne "$1" ]; then
    echo "$2 with '$3': expected status $1, got $status"
    exit 1
  fi
  rm "$root/$2"
}

expect 0 object/a.h '#include "qomio/qapi/error.h"'
expect 0 tools/a.cc '#include "qomio/iothread/iothread.h"'
expect 0 qapi/a.cc '#include <vector>'
expect 1 qapi/a.h '#include "qomio/object/object.h"'
expect 1 qapi/a.cc '  #  include <qomio/iothread/iothread.h>'
expect 1 object/a.h '#include "qomio/iothread/iothread.h"'
expect 1 iothread/a.cc '#include "qomio/tools/qomctl/table.h"'
expect 1 iothread/a.cc '#include "qomio/qomio.h"'
expect 1 qapi/a.cc '#include "../object/object.h"'
