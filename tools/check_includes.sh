#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fails when an include runs against the arrows tools -> iothread -> object -> qapi, or names a header of the
# project by anything but its full name ("qomio/qapi/error.h").
# usage: tools/check_includes.sh [SOURCE-ROOT]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

bad=0

# forbid FOLDER FOLDER…: files of the first folder may not include headers of the others.
forbid() {
  local folder=$1 hits
  shift
  [ -d "$folder" ] || return 0
  local others
  others=$(IFS='|' && echo "$*")
  if hits=$(grep -rnE --include='*.h' --include='*.cc' \
    "^[[:space:]]*#[[:space:]]*include[[:space:]]*[\"<]qomio/($others)" "$folder"); then
    echo "$folder/ may not include these:"
    echo "$hits"
    bad=1
  fi
}

forbid qapi object/ iothread/ tools/ tests/ 'qomio\.h'
forbid object iothread/ tools/ tests/ 'qomio\.h'
forbid iothread tools/ tests/ 'qomio\.h'
forbid tools tests/

# Any other spelling would slip through the rules above.
if hits=$(grep -rnE --include='*.h' --include='*.cc' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' \
  qapi object iothread tools | grep -vE '#[[:space:]]*include[[:space:]]*"qomio/'); then
  echo 'Headers of the project are included by their full name, "qomio/FOLDER/NAME.h":'
  echo "$hits"
  bad=1
fi

exit $bad
