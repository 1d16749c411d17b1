# Parses the headers that nearly every file includes once for each kind of target instead of once for each file, which is a
# third of what a sanitized build costs. Only the presets for sanitizers ask for it (CROLANG_PRECOMPILE): a release shows
# that each file includes what it uses.
#
# crolang_precompile_headers(): to be called after all targets have been defined.
option(CROLANG_PRECOMPILE "Precompile headers of the standard library and of GoogleTest" OFF)

set(crolang_standard_headers <algorithm> <array> <atomic> <chrono> <deque> <functional> <map> <memory> <mutex> <optional> <span>
    <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>)
# What packages define for those that link them (hiredis) has to be defined for all.
set(crolang_definitions _FILE_OFFSET_BITS=64)

# A header that was precompiled with other flags is refused, so each kind of target needs one of its own.
function(crolang_precompiled kind)
  set(source ${CMAKE_BINARY_DIR}/precompiled/${kind}.cpp)
  file(WRITE ${source} "")
  add_library(crolang_precompiled_${kind} OBJECT ${source})
  target_precompile_headers(crolang_precompiled_${kind} PRIVATE ${ARGN})
  target_compile_definitions(crolang_precompiled_${kind} PRIVATE ${crolang_definitions})
endfunction()

function(crolang_targets folder result)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  get_property(below DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(each ${below})
    crolang_targets(${each} more)
    list(APPEND targets ${more})
  endforeach()
  set(${result} ${targets} PARENT_SCOPE)
endfunction()

# Compiles the sources of a test program in groups, which takes less than half the time: what they instantiate is alike. A
# name that two of them define for themselves is an error then: rename one, or add its file here, and it is compiled alone.
set(crolang_alone
  unit/broker/identity_test.cpp unit/broker/presence_test.cpp unit/broker/route_cache_test.cpp unit/config/values_test.cpp
  unit/jwt-auth/key_test.cpp unit/modules/builtin/memory_registry_test.cpp unit/modules/clients/clients_test.cpp
  unit/net/accept_policy_test.cpp unit/net/address_limits_test.cpp unit/net/connection_test.cpp unit/net/http/policy_test.cpp
  unit/net/plugin_loop_test.cpp unit/net/transport_test.cpp unit/plugin_host/module_set_test.cpp
  unit/plugin_host/variable_check_test.cpp unit/plugin_host/variable_values_test.cpp
  unit/tls/record_reader_test.cpp unit/tls/record_writer_test.cpp unit/tls/handshake_ends.cpp
  unit/webhook-common/fault_log_test.cpp unit/webhook-common/page_size_test.cpp unit/webhook-common/reply_test.cpp
  unit/webhook-common/url_test.cpp)
list(TRANSFORM crolang_alone PREPEND ${CMAKE_SOURCE_DIR}/tests/)
# Programs most of whose files have such names.
set(crolang_not_together unit_redis_registry)
function(crolang_compile_together target)
  if(target IN_LIST crolang_not_together)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  set_source_files_properties(${crolang_alone} TARGET_DIRECTORY ${target} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

function(crolang_precompile_headers)
  if(NOT CROLANG_PRECOMPILE)
    return()
  endif()
  # Behind a precompiled header g++ 12 no longer knows what is a system header, so the warnings that follow the flow of
  # values are given for the standard library's code as well. The release build has them.
  target_compile_options(crolang_warnings INTERFACE
    -Wno-array-bounds -Wno-dangling-pointer -Wno-free-nonheap-object -Wno-maybe-uninitialized -Wno-nonnull
    -Wno-stringop-overflow -Wno-stringop-overread
    # One that does not fit costs time, no more.
    -Wno-error=invalid-pch)
  crolang_targets(${CMAKE_SOURCE_DIR} targets)
  crolang_precompiled(libraries ${crolang_standard_headers})
  if(CROLANG_BUILD_TESTS)
    crolang_precompiled(tests <gmock/gmock.h> <gtest/gtest.h> ${crolang_standard_headers})
    set_target_properties(crolang_precompiled_tests PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(crolang_precompiled_tests PRIVATE -fPIE ${crolang_test_options})
    target_compile_definitions(crolang_precompiled_tests PRIVATE GTEST_HAS_PTHREAD=1)
  endif()
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(links ${target} LINK_LIBRARIES)
    get_target_property(visibility ${target} CXX_VISIBILITY_PRESET)
    if(type STREQUAL EXECUTABLE AND "GTest::gtest_main" IN_LIST links)
      target_precompile_headers(${target} REUSE_FROM crolang_precompiled_tests)
      target_compile_definitions(${target} PRIVATE ${crolang_definitions})
      crolang_compile_together(${target})
    elseif(type STREQUAL STATIC_LIBRARY AND NOT visibility)
      target_precompile_headers(${target} REUSE_FROM crolang_precompiled_libraries)
      target_compile_definitions(${target} PRIVATE ${crolang_definitions})
    endif()
  endforeach()
  # Each of its sources instantiates Beast's templates: ten together take half the time, and less without
  # optimisation. It runs once for a question to a webhook.
  set_target_properties(crolang_webhook_common PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
  target_compile_options(crolang_webhook_common PRIVATE -O0)
endfunction()
