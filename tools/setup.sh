#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what `make demo` (setup.sh build) or `make test` (setup.sh test) needs and the machine lacks: Debian packages when
# it may, Python packages in build/venv. What it cannot install it names exactly; only what is required stops it.
set -u
cd "$(dirname "$0")/.."
what=${1:-build}
say() { echo "setup: $*"; }
have() { command -v "$1" > /dev/null 2>&1; }

required=() optional=()
need() { have "$1" || required+=("$2"); }          # program, Debian package
want() { have "$1" || optional+=("$2"); }
need cc gcc
need cmake cmake
have ninja || need make make
want ninja ninja-build
want ccache ccache
[ -e /usr/include/stdio.h ] || required+=(libc6-dev)
if [ "$what" = test ]; then
  [ -e /usr/include/cmocka.h ] || required+=(libcmocka-dev)
  need python3 python3
  python3 -c 'import ensurepip' 2> /dev/null || required+=(python3-venv)
  want g++ g++
  want clang clang
  want qemu-aarch64-static qemu-user-static
  want aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
  [ -e /usr/aarch64-linux-gnu/include/stdio.h ] || optional+=(libc6-dev-arm64-cross)
fi

apt=()
if have apt-get; then
  if [ "$(id -u)" = 0 ]; then apt=(env DEBIAN_FRONTEND=noninteractive apt-get)
  elif have sudo && sudo -n true 2> /dev/null; then apt=(sudo env DEBIAN_FRONTEND=noninteractive apt-get)
  fi
fi
apt_install() { # the packages, as a list
  [ ${#apt[@]} -gt 0 ] || return 1
  say "installing Debian packages: $*"
  log=$(mktemp)
  { "${apt[@]}" install -y --no-install-recommends "$@" > "$log" 2>&1 ||
    { "${apt[@]}" update > "$log" 2>&1 && "${apt[@]}" install -y --no-install-recommends "$@" > "$log" 2>&1; }; } ||
    { tail -n 3 "$log"; rm -f "$log"; return 1; }
  rm -f "$log"
}
if [ ${#required[@]} -gt 0 ] && ! apt_install "${required[@]}"; then
  say "missing, and not installable from here: ${required[*]}"
  say "as root: apt-get install ${required[*]}"
  exit 1
fi
if [ ${#optional[@]} -gt 0 ] && ! apt_install "${optional[@]}"; then
  say "left out, not needed but useful: apt-get install ${optional[*]}"
fi
[ "$what" = test ] || exit 0
for l in turbojpeg=libturbojpeg0 png16=libpng16-16 tiff=libtiff6 webp=libwebp7 openjp2=libopenjp2-7; do ldconfig -p 2> /dev/null | grep -q "lib${l%=*}\.so" || apt_install "${l#*=}" || say "left out, for pictures: apt-get install ${l#*=}"; done

# An emulated architecture needs no binfmt: the tests call qemu by name. Its cmocka comes out of Debian's arm64 package.
if have aarch64-linux-gnu-gcc && have qemu-aarch64-static && [ ! -e build/arm64/usr ] && have apt-get; then
  mkdir -p build/arm64
  version=$(dpkg-query -W -f '${Version}' libcmocka-dev 2> /dev/null)
  if [ "$(dpkg --print-architecture)" != arm64 ] && tools/fetch_deb.sh arm64 build/arm64 libcmocka-dev libcmocka0; then
    say "unpacked cmocka $version for arm64 in build/arm64"
  else
    rmdir build/arm64 2> /dev/null
    say "no cmocka for arm64: the emulated tests are left out"
  fi
fi

pip_install() { # packages or -r FILE; the reason of a failure is its last line
  log=$(mktemp)
  build/venv/bin/python -m pip install -q --disable-pip-version-check --retries 2 "$@" > "$log" 2>&1 ||
    { tail -n 1 "$log"; rm -f "$log"; return 1; }
  rm -f "$log"
}
pinned=$(sed -n 's/^onnx==//p' tools/requirements.txt)
has_onnx() { "$1" -c "import onnx, sys; sys.exit(onnx.__version__ != '$pinned')" 2> /dev/null; }
if ! has_onnx build/venv/bin/python; then
  say "making build/venv with $(grep -v '^#' tools/requirements.txt | tr '\n' ' ')"
  mkdir -p build
  [ -x build/venv/bin/python ] || python3 -m venv build/venv
  if ! pip_install -r tools/requirements.txt; then
    say "no Python package onnx==$pinned; with a network: build/venv/bin/python -m pip install -r tools/requirements.txt"
    say "without it ONNX's own cases and the check of the schema table are skipped"
  fi
fi
if ! build/venv/bin/python -c 'import ziglang' 2> /dev/null; then
  say "adding the ziglang wheel to build/venv (compiles for WebAssembly and Windows)"
  pip_install 'ziglang>=0.13' || say "no ziglang: the WebAssembly and Windows builds are skipped"
fi
exit 0
