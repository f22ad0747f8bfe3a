#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: pkg_config_test.sh PREFIX SOURCE COMPILER [FLAGS…] — the source builds with what qomio.pc says, and no more.
set -euo pipefail
prefix=$1
source=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pc=$(find "$prefix" -name qomio.pc)
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
# Flags are words by intent.
# shellcheck disable=SC2046
"$@" "$source" -o "$work/program" $(pkg-config --cflags --libs qomio)
