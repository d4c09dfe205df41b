# SPDX-License-Identifier: MIT
# Tests by folder; tools/run_tests.py runs what ctest lists:
#   tests/abi/*_test.c          written as a stranger would: the public headers, and the library that it is given
#   tests/op/*_test.c           the same, with the tables of that folder
#   tests/fuzz/*_fuzz.c         with replay.c runs tests/fuzz/corpus/<name>; with clang and -DSX_FUZZ=ON a libFuzzer program, not a test
#   tests/<other>/*_test.c      cmocka programs over the static library, with the internal headers
#   tests/<folder>/support*.c   linked to every test of that folder
#   tests/<folder>/*.sh         plain commands, 77 is a skip
# tests/cli belongs to cmake/cli.cmake, tests/clients to the layer of that name.
# A label says which layer of tools/run_tests.py runs a test again: "isa", at the lower instruction sets, has all of the folders
# unit, model, pass, abi and op but what is named in SX_TESTS_PLAIN; "threads", under ThreadSanitizer, has what is named here.
enable_testing()
find_library(CMOCKA cmocka PATHS ${SX_CMOCKA_DIR})
set(SX_TESTS_PLAIN alloc_test cpu_test dim_test dtype_test elems_test file_test json_read_test limits_test match_test number_test
  pool_test proto_test schema_test str_test tensor_test text_test wire_test) # which call no kernel
set(SX_TESTS_THREADS pool_test threads_test abi_crowd_test abi_device_runs_test abi_endurance_test abi_settings_test)

function(sx_test_label name folder)
  set(labels)
  if(folder MATCHES "^(unit|model|pass|abi|op)$" AND NOT name IN_LIST SX_TESTS_PLAIN)
    list(APPEND labels isa)
  endif()
  if(name IN_LIST SX_TESTS_THREADS)
    list(APPEND labels threads)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${labels}")
endfunction()

function(sx_test_program folder name)
  add_executable(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/${folder})
  target_link_libraries(${name} PRIVATE sx_flags m)
  target_compile_options(${name} PRIVATE -fno-tree-vectorize) # nothing to gain, and gcc 12 for ARM fails on one of them
  target_compile_definitions(${name} PRIVATE SX_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SX_BINARY_DIR="${CMAKE_BINARY_DIR}")
  target_link_libraries(${name} PRIVATE sardonyx_static)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/gen)
  target_compile_definitions(${name} PRIVATE ${SX_DEFINES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/tests)
endfunction()

file(GLOB SX_TEST_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*/*_test.c)
list(FILTER SX_TEST_SOURCES EXCLUDE REGEX "/tests/(abi|cli|op)/")
if(CMOCKA)
  foreach(f IN LISTS SX_TEST_SOURCES)
    get_filename_component(name ${f} NAME_WE)
    get_filename_component(dir ${f} DIRECTORY)
    get_filename_component(folder ${dir} NAME)
    file(GLOB support CONFIGURE_DEPENDS ${dir}/support*.c)
    sx_test_program(${folder} ${name} ${f} ${support})
    target_link_libraries(${name} PRIVATE ${CMOCKA})
    add_test(NAME ${name} COMMAND ${name})
    sx_test_label(${name} ${folder})
  endforeach()
else()
  message(STATUS "cmocka not found: the C tests are left out")
endif()

sx_test_program(model facts ${CMAKE_SOURCE_DIR}/tests/model/facts.c) # no test by itself: tools/check_shapes.py

# With -DSX_ORT_LIBRARY=<libonnxruntime.so> the ABI tests run on that library too, and both must pass.
set(SX_ORT_LIBRARY "" CACHE FILEPATH "ONNX Runtime's own library, for the ABI tests")
file(GLOB SX_ABI_TESTS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/abi/*_test.c)
file(GLOB SX_OP_TABLES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/op/*.txt)
if(NOT TARGET sardonyx)
  set(SX_ABI_TESTS)
endif()
if(SX_ABI_TESTS)
  # Providers to test with: one that does everything wrong, one with a device that only it can reach, one that is none, one
  # that writes the model that it is shown.
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/abi/plugins/bad_*.c)
  add_library(bad_provider MODULE ${sources})
  add_library(bridge_provider MODULE ${CMAKE_SOURCE_DIR}/tests/abi/plugins/bridge_provider.c)
  add_library(writer_provider MODULE ${CMAKE_SOURCE_DIR}/tests/abi/plugins/writer_provider.c)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/abi/plugins/device_*.c)
  add_library(device_provider MODULE ${sources})
  foreach(name bad_provider bridge_provider device_provider writer_provider)
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(${name} PRIVATE sx_flags ${SX_LIBS})
    set_target_properties(${name} PROPERTIES C_VISIBILITY_PRESET hidden
      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/abi)
  endforeach()
endif()
foreach(f IN LISTS SX_ABI_TESTS)
  get_filename_component(name ${f} NAME_WE)
  set(name abi_${name})
  add_executable(${name} ${f})
  target_link_libraries(${name} PRIVATE sx_flags ${SX_LIBS})
  target_compile_options(${name} PRIVATE -fno-tree-vectorize) # as above
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/include)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/abi)
  target_compile_definitions(${name} PRIVATE SX_SAMPLE_PROVIDER="$<TARGET_FILE:sample_provider>"
    SX_BAD_PROVIDER="$<TARGET_FILE:bad_provider>" SX_BRIDGE_PROVIDER="$<TARGET_FILE:bridge_provider>" SX_DEVICE_PROVIDER="$<TARGET_FILE:device_provider>"
    SX_WRITER_PROVIDER="$<TARGET_FILE:writer_provider>" SX_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_dependencies(${name} sardonyx sample_provider bad_provider bridge_provider device_provider writer_provider)
  add_test(NAME ${name} COMMAND ${name} $<TARGET_FILE:sardonyx>)
  sx_test_label(${name} abi)
  if(SX_ORT_LIBRARY AND NOT name MATCHES "abi_(plugin_abuse|device)") # which no other library survives
    add_test(NAME ${name}_ort COMMAND ${name} ${SX_ORT_LIBRARY})
  endif()
endforeach()

# The library with its allocations failing, under the ABI tests once more: oom_<name>. Not those that leave things behind, count pages
# or have many threads. In the second list are those whose functions count their calls, of which there are more.
if(SX_ABI_TESTS AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  sx_shared_library(sardonyx_failing sardonyx_failing ${CMAKE_BINARY_DIR}/tests/oom sx_tables)
  target_sources(sardonyx_failing PRIVATE ${CMAKE_SOURCE_DIR}/tests/oom/failing.c)
  target_include_directories(sardonyx_failing PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/tests)
  set(SX_FAILING bad_input_test compile_test device_test device_variants_test editor_test lora_test memory_test options_test package_test
    plugin_test plugin_abuse_test quantize_test session_test value_test)
  set(SX_FAILING_COUNT custom_test device_budget_test device_context_test device_policy_test device_runs_test op_test settings_test)
  if(SX_SANITIZE) # what a provider throws leaves frames of the wrapped slots behind, which AddressSanitizer takes for an error
    list(REMOVE_ITEM SX_FAILING plugin_abuse_test)
  endif()
  foreach(name IN LISTS SX_FAILING SX_FAILING_COUNT ITEMS slots_test)
    set(env)
    if(SX_SANITIZE OR CMAKE_CROSSCOMPILING)
      list(APPEND env SX_OOM_CALLS=300)
    endif()
    if(name IN_LIST SX_FAILING_COUNT)
      list(APPEND env SX_OOM_COUNTS=1 SX_OOM_PLAINLY=CompileModel)
    endif()
    if(name STREQUAL "slots_test")
      list(APPEND env SX_OOM_LEAVES=1)
    endif()
    add_test(NAME oom_${name} COMMAND abi_${name} $<TARGET_FILE:sardonyx_failing> WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/tests/oom)
    set_tests_properties(oom_${name} PROPERTIES ENVIRONMENT "${env}")
  endforeach()
  add_dependencies(abi_value_test sardonyx_failing)
endif()

if(TARGET sardonyx AND UNIX)
  add_executable(op_table_test ${CMAKE_SOURCE_DIR}/tests/op/table_test.c)
  target_link_libraries(op_table_test PRIVATE sx_flags ${SX_LIBS} m)
  target_include_directories(op_table_test PRIVATE ${CMAKE_SOURCE_DIR}/include)
  set_target_properties(op_table_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/op)
  add_dependencies(op_table_test sardonyx)
  add_test(NAME op_table_test COMMAND op_table_test $<TARGET_FILE:sardonyx> ${SX_OP_TABLES})
  sx_test_label(op_table_test op)
endif()

file(GLOB SX_TEST_SCRIPTS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*/*.sh)
list(FILTER SX_TEST_SCRIPTS EXCLUDE REGEX "/tests/(cli|clients)/")
foreach(f IN LISTS SX_TEST_SCRIPTS)
  get_filename_component(name ${f} NAME_WE)
  add_test(NAME ${name} COMMAND sh ${f} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 ENVIRONMENT BUILD=${CMAKE_BINARY_DIR})
endforeach()

option(SX_FUZZ "Build the fuzz targets for libFuzzer" OFF)
file(GLOB SX_FUZZ_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.c)
foreach(f IN LISTS SX_FUZZ_SOURCES)
  get_filename_component(name ${f} NAME_WE)
  if(SX_FUZZ)
    sx_test_program(fuzz ${name} ${f})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    sx_test_program(fuzz ${name} ${f} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
    string(REPLACE "_fuzz" "" corpus ${name})
    add_test(NAME ${name} COMMAND ${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${corpus})
  endif()
endforeach()
if(SX_FUZZ)
  target_compile_options(sx_core PRIVATE -fsanitize=fuzzer-no-link)
endif()

if(CMOCKA AND SX_ABI_TESTS)
  foreach(name IN LISTS SX_TESTS_PLAIN SX_TESTS_THREADS)
    if(NOT TEST ${name})
      message(FATAL_ERROR "cmake/tests.cmake: there is no test ${name}")
    endif()
  endforeach()
endif()
