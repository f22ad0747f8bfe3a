#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: misuse_test.sh FOLDER COMPILER FLAG… — tests that no source in the folder compiles, and that the first error
# contains the sentence after `// expected:` in the source, or any error that after `// expected later:`.
set -euo pipefail
folder=$1
shift
for source in "$folder"/*.cc; do
  expected=$(sed -n 's|^// expected[ a-z]*: ||p' "$source")
  if errors=$("$@" -fsyntax-only "$source" 2>&1); then
    echo "$source compiles"
    exit 1
  fi
  told=$errors
  grep -q '^// expected later:' "$source" || told=$(grep -m 1 -F 'error: ' <<<"$errors" || true)
  if [[ $told != *"$expected"* ]]; then
    printf '%s: not told: %s\n%s\n' "$source" "$expected" "$errors"
    exit 1
  fi
done
