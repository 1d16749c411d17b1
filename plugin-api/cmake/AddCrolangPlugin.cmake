# add_crolang_plugin(<name> SOURCES <file>… [LINK <library>…])
#
# Builds the broker plugin <name>.so into ${CMAKE_BINARY_DIR}/plugins/. It exports one symbol, the entry, so that nothing of
# it can be mixed up with the broker or with another plugin. Works inside the broker's tree and, included by its path, in a
# project of your own; see plugin-api/README.md.
function(add_crolang_plugin name)
  cmake_path(GET CMAKE_CURRENT_FUNCTION_LIST_DIR PARENT_PATH api)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} MODULE ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${api}/include)
  target_compile_features(${name} PRIVATE c_std_11 cxx_std_20)
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  set(exports ${api}/cmake/crolang_plugin.map)
  target_link_options(${name} PRIVATE LINKER:--version-script=${exports})
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    SUFFIX .so
    POSITION_INDEPENDENT_CODE ON
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${exports}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
endfunction()
