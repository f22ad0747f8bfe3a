#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: pkg_config_test.sh PREFIX SOURCE COMPILER [FLAGS…] — builds SOURCE with these flags and those of qomio.pc, which
# leave the C++ standard and fmt to the program.
set -euo pipefail
prefix=$1
source=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pc=$(find "$prefix" -name qomio.pc)
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
case $(pkg-config --cflags qomio) in
*-std=* | *FMT_*) echo "qomio.pc dictates: $(pkg-config --cflags qomio)"; exit 1 ;;
esac
# Not quoted, so that each flag becomes a word.
# shellcheck disable=SC2046
"$@" -std=c++23 "$source" -o "$work/program" $(pkg-config --cflags --libs qomio)
