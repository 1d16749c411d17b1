# What makes a fault of memory end the process instead of becoming somebody else's: addresses that nobody can guess (PIE),
# tables that cannot be written once the program has started (RELRO with BIND_NOW), guarded frames, stacks that cannot jump
# over their guard page, and checks in the C library's functions where sizes are known. Measured, they cost nothing that shows.
# tests/e2e/hardening.test.mjs reads the built files.
include(CheckPIESupported)
check_pie_supported()

add_compile_options(-fstack-protector-strong)
add_link_options(LINKER:-z,relro,-z,now,-z,noexecstack)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|aarch64")
  add_compile_options(-fstack-clash-protection)
endif()
# The C library's checks need an optimising compiler, and the sanitizers have better ones.
if(NOT CROLANG_SANITIZE)
  add_compile_options($<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE>
                      $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-D_FORTIFY_SOURCE=2>)
endif()
