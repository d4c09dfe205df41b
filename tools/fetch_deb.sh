#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# fetch_deb.sh ARCH FOLDER PACKAGE...: unpacks Debian packages of another architecture into a folder, with package lists of its
# own, so that the system's package state stays as it is. Needs no root.
set -eu
arch=$1 folder=$(realpath -m "$2")
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,cache/archives/partial,debs} "$folder"
: > "$work/status"
apt() {
  apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State::lists="$work/lists" \
    -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}
apt update > "$work/log" 2>&1 || { tail -n 2 "$work/log"; exit 1; }
cd "$work/debs"
apt download "$@" > "$work/log" 2>&1 || { tail -n 2 "$work/log"; exit 1; }
for f in *.deb; do dpkg-deb -x "$f" "$folder"; done
