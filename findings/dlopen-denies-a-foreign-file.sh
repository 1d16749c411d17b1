#!/usr/bin/env bash
# A shared object for another processor, of which dlopen says that there is no such file.
#
# Package: glibc 2.36 (Debian 12, libc6 2.36-9+deb12u14). With the system's gcc.
# Behaviour: dlopen(3) is given the full path of a file that is there and may be read. If its ELF header names another processor (an image
# for arm64 with a plugin for amd64), one expects "wrong ELF class" or "invalid ELF header", as for 32 bits and for a text. It is
# "cannot open shared object file: No such file or directory": the loader takes a foreign file for one to be passed over in a search.
# Output seen:
#   as built: loaded
#   for another processor: ./foreign.so: cannot open shared object file: No such file or directory
# Ends with 0 while it is so, with 1 when it has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo 'int answer(void) { return 42; }' >object.c
gcc -shared -fPIC -o native.so object.c
cp native.so foreign.so
# e_machine: RISC-V
printf '\xf3\x00' | dd of=foreign.so bs=1 seek=18 conv=notrunc status=none
cat >load.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char** argv) {
  puts(argc == 2 && dlopen(argv[1], RTLD_NOW) ? "loaded" : dlerror());
  return 0;
}
END
gcc -o load load.c -ldl
native="$(./load ./native.so)"
foreign="$(./load ./foreign.so)"
echo "as built: $native"
echo "for another processor: $foreign"
[[ $native == loaded && $foreign == *"No such file or directory" ]]
