# crolang_layer(<name> SOURCES … [LINK …] [SYSTEM_LINK …])
# A folder of host/ as a static library `crolang_<name>`. LINK names the layers it may include, and so draws the arrows.
function(crolang_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(crolang_${name} STATIC ${ARG_SOURCES})
  target_include_directories(crolang_${name} PUBLIC ${CMAKE_SOURCE_DIR}/host)
  target_link_libraries(crolang_${name} PUBLIC ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK} crolang_warnings)
endfunction()

# How tests are compiled; what is tested keeps its own options. They take half the time without optimisation, and a third
# less once more if not every pointer of a test is compared with null and its alignment looked at. AddressSanitizer reports
# an access through a null pointer as well.
set(crolang_test_options -O1)
if(CROLANG_SANITIZE)
  set(crolang_test_options -O0)
  if(CROLANG_SANITIZE MATCHES "undefined")
    list(APPEND crolang_test_options -fno-sanitize=null,alignment)
  endif()
endif()

# crolang_test(<name> SOURCES … LINK … [LABELS …] [SHARDS n] [NO_THREADS]) — a GoogleTest program that ctest runs.
# SHARDS: in so many parts, side by side, since most of its tests wait.
# NO_THREADS: neither the tests nor the layer that they test start a thread (tests/architecture/check looks). There are no
# races there, so ThreadSanitizer's build leaves the program out.
function(crolang_test name)
  cmake_parse_arguments(ARG "NO_THREADS" "TIMEOUT;SHARDS" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/host ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest GTest::gtest_main crolang_warnings)
  target_compile_options(${name} PRIVATE ${crolang_test_options})
  if(ARG_NO_THREADS AND CROLANG_SANITIZE MATCHES "thread")
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_SHARDS)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
    return()
  endif()
  foreach(shard RANGE 1 ${ARG_SHARDS})
    math(EXPR index "${shard} - 1")
    add_test(NAME ${name}_${shard} COMMAND ${name})
    set_tests_properties(${name}_${shard} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_SHARDS};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()
