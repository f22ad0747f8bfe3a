#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs the missing Debian or Ubuntu packages for building and testing; with --all also the packages for CI's checks.
# Does nothing if all are installed.
set -euo pipefail

packages=(
  git cmake ninja-build ccache g++ pkg-config
  libglib2.0-dev liburcu-dev liburing-dev nlohmann-json3-dev libfmt-dev robin-map-dev libcli11-dev libsystemd-dev
  libgtest-dev libgmock-dev librapidcheck-dev libseccomp-dev python3
)
if [ "${1-}" = --all ]; then
  packages+=(libuv1-dev libasio-dev libevent-dev libev-dev qtbase5-dev spin)  # benchmarks, the models
  packages+=(clang-19 libclang-rt-19-dev llvm-19 clang-format-19 clang-tidy-19 shellcheck scdoc qemu-system-x86)
  packages+=(golang-go golang-github-digitalocean-go-qemu-dev)  # a third-party QMP client
elif [ $# -gt 0 ]; then
  echo "usage: tools/setup.sh [--all]" >&2
  exit 2
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "tools/setup.sh knows Debian and Ubuntu only. Install the likes of: ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  # shellcheck disable=SC2016  # ${Status} is dpkg-query's, not the shell's
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
# "${array[@]+…}": with set -u, older versions of bash report an empty array as unset.
${as_root[@]+"${as_root[@]}"} apt-get update -qq
${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
