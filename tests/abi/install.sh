#!/bin/sh
# SPDX-License-Identifier: MIT
# What `cmake --install` leaves is enough to build a program with. BUILD is the build folder.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
[ -e "$build/libsardonyx.so" ] || { echo "no shared library in $build"; exit 77; }
if nm -D "$build/libsardonyx.so" | grep -q '__[at]san_init'; then echo "a program without a sanitizer"; exit 77; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >"$work/log"
printf '#include <sardonyx.h>\nint main(void) { return !SardonyxGetExtension(SARDONYX_EXTENSION_VERSION); }\n' >"$work/program.c"
lib=$(dirname "$(find "$work/prefix" -name libsardonyx.a)")
cc -I"$work/prefix/include" "$work/program.c" -L"$lib" -Wl,-rpath,"$lib" -lsardonyx -o "$work/program"
"$work/program"
[ -n "$(find "$work/prefix" -name LICENSE)" ] || { echo "no licence"; exit 1; }
mkdir "$work/find" && cat >"$work/find/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(p C)
find_package(sardonyx REQUIRED)
add_executable(p ../program.c)
target_link_libraries(p sardonyx::sardonyx)
END
cmake -S "$work/find" -B "$work/find/build" -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/log"
cmake --build "$work/find/build" >"$work/log"
"$work/find/build/p"
if command -v pkg-config >/dev/null; then
  flags=$(PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --cflags --libs sardonyx)
  # shellcheck disable=SC2086
  cc "$work/program.c" $flags -Wl,-rpath,"$lib" -o "$work/program2"
  "$work/program2"
fi
