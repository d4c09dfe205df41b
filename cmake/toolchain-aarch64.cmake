# SPDX-License-Identifier: MIT
# Debian's cross compiler for 64-bit ARM; tests run under qemu-user. cmocka for it lies unpacked in build/arm64 (tools/setup.sh).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(SX_CMOCKA_DIR ${CMAKE_CURRENT_LIST_DIR}/../build/arm64/usr/lib/aarch64-linux-gnu)
set(CMAKE_C_FLAGS_INIT "-isystem ${CMAKE_CURRENT_LIST_DIR}/../build/arm64/usr/include")
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
