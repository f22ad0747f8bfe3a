#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs missing packages, builds the release preset and runs all tests. ctest prints its summary last.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh
cmake --preset release
cmake --build --preset release
ctest --preset release --parallel "$(nproc)"
