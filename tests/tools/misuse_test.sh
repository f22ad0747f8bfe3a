#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: misuse_test.sh FOLDER COMPILER FLAG… — tests that no source in the folder compiles, and that the errors contain
# the sentence after `// expected:` in the source.
set -euo pipefail
folder=$1
shift
for source in "$folder"/*.cc; do
  expected=$(sed -n 's|^// expected: ||p' "$source")
  if errors=$("$@" -fsyntax-only "$source" 2>&1); then
    echo "$source compiles"
    exit 1
  fi
  if ! grep -qF -- "$expected" <<<"$errors"; then
    printf '%s: not told: %s\n%s\n' "$source" "$expected" "$errors"
    exit 1
  fi
done
