# Warnings are errors on the project's own targets only; what comes from packages is included as SYSTEM.
add_library(crolang_warnings INTERFACE)
target_compile_options(crolang_warnings INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual -Werror
  # g++ 12 sees overlaps in std::string's operator+ that are not there (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# In C the cast has but one spelling.
add_library(crolang_c_warnings INTERFACE)
target_compile_options(crolang_c_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror)
