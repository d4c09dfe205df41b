#!/bin/sh
# SPDX-License-Identifier: MIT
# What `cmake --install` leaves is enough to build programs with, under both names and by every way of finding it; and a package
# holds the same. BUILD is the build folder.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
[ -e "$build/libsardonyx.so" ] || { echo "no shared library in $build"; exit 77; }
if nm -D "$build/libsardonyx.so" | grep -q '__[at]san_init'; then echo "a program without a sanitizer"; exit 77; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*"; exit 1; }
prefix=$work/prefix
cmake --install "$build" --prefix "$prefix" >"$work/log"
lib=$(dirname "$(find "$prefix" -name libsardonyx.a)")
version=$(sed -n 's/^Version: //p' "$lib/pkgconfig/sardonyx.pc")

# The files, and that the other name stays out of where a system looks.
for f in "$lib/libsardonyx.so.$version" "$lib/libsardonyx.so.1" "$lib/sardonyx/libonnxruntime.so.$version" "$lib/sardonyx/libonnxruntime.so.1" \
  "$prefix/bin/sardonyx" "$prefix/include/onnxruntime_session_options_config_keys.h"; do [ -e "$f" ] || fail "$f is not installed"; done
[ -n "$(find "$prefix" -name LICENSE)" ] || fail "no licence"
[ -z "$(find "$lib" -maxdepth 1 -name 'libonnxruntime*')" ] || fail "ONNX Runtime's name lies in $lib"
DESTDIR=$work/stage cmake --install "$build" --prefix /opt/place >"$work/log"
[ -e "$work/stage/opt/place/bin/sardonyx" ] || fail "DESTDIR is not heeded"

# Papers lead to nothing that is not there, and an example is built with what was installed.
readme=$(find "$prefix" -name README.md -path '*doc/sardonyx/README.md')
docs=$(dirname "$readme")
find "$docs" -name '*.md' | while read -r paper; do
  grep -o '](\([^)#]*\)' "$paper" | sed 's/^](//' | grep -v '^http' | while read -r link; do
    [ -z "$link" ] || [ -e "$(dirname "$paper")/$link" ] || echo "$paper leads to $link"
  done
done >"$work/dead"
[ ! -s "$work/dead" ] || fail "$(cat "$work/dead")"
cc -I"$prefix/include" "$docs/examples/c_client/client.c" -L"$lib" -Wl,-rpath,"$lib" -lsardonyx -o "$work/client"
"$work/client" "$docs/examples/digits/digits.onnx" >"$work/log" || { cat "$work/log"; exit 1; }

# Programs, by hand, by find_package and by pkg-config.
printf '#include <sardonyx.h>\nint main(void) { return !SardonyxGetExtension(SARDONYX_EXTENSION_VERSION); }\n' >"$work/ours.c"
cat >"$work/theirs.c" <<'END'
#include <onnxruntime_c_api.h>
#include <onnxruntime_session_options_config_keys.h>
#include <onnxruntime/onnxruntime_run_options_config_keys.h>
int main(void) { return !OrtGetApiBase()->GetApi(ORT_API_VERSION) || !*kOrtSessionOptionsConfigDisablePrepacking; }
END
cc -I"$prefix/include" "$work/ours.c" -L"$lib" -Wl,-rpath,"$lib" -lsardonyx -o "$work/program"
"$work/program"
mkdir "$work/find" && cat >"$work/find/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(p C)
find_package(sardonyx 1 REQUIRED)
find_package(onnxruntime 1.20 REQUIRED)
find_package(onnxruntime 2 QUIET)
if(onnxruntime_FOUND)
  message(FATAL_ERROR "version 2 was found")
endif()
add_executable(ours ../ours.c)
target_link_libraries(ours sardonyx::sardonyx)
add_executable(theirs ../theirs.c)
target_link_libraries(theirs onnxruntime::onnxruntime)
END
cmake -S "$work/find" -B "$work/find/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build "$work/find/build" >"$work/log" || { cat "$work/log"; exit 1; }
"$work/find/build/ours" && "$work/find/build/theirs"
readelf -d "$work/find/build/theirs" | grep -q 'NEEDED.*libonnxruntime.so.1\]' || fail "theirs needs another name"
if command -v pkg-config >/dev/null; then
  export PKG_CONFIG_PATH="$lib/pkgconfig"
  # shellcheck disable=SC2046
  cc "$work/ours.c" $(pkg-config --cflags --libs sardonyx) $(pkg-config --variable=rpath sardonyx) -o "$work/ours" && "$work/ours"
  # shellcheck disable=SC2046
  cc "$work/theirs.c" $(pkg-config --cflags --libs libonnxruntime) -o "$work/theirs" && "$work/theirs"
fi

# A package: the tarball runs where it was unpacked.
if command -v cpack >/dev/null; then
  cpack --config "$build/CPackConfig.cmake" -G TGZ -B "$work/package" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  mkdir "$work/unpacked" && tar xzf "$work"/package/*.tar.gz -C "$work/unpacked" --strip-components=1
  "$(find "$work/unpacked" -path '*bin/sardonyx')" --version >"$work/log" || { cat "$work/log"; exit 1; }
fi
