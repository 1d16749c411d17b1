#!/usr/bin/env bash
# UBSan reports correct code once a process has no file descriptor left.
#
# Packages: g++-12 and libubsan1 12.2.0-14+deb12u1 (Debian 12); it uses the g++ that is installed, and ends with 1 if that is another version.
# Behaviour: before a virtual call the check `vptr` reads the object's type, and to see whether that memory can be read at all it passes the address
# to a system call on a pipe that it opens. If the limit of open files is reached it cannot open one, takes the memory for unreadable, and reports
# "member call on address … which does not point to an object of type …", with the note "object has invalid vptr", for an object that is fine. So a
# sanitized server that is tested with the limit of open files lowered seems to have undefined behaviour, at whichever virtual call comes first; with
# -fno-sanitize-recover it ends there. Types that were checked before are cached and not reported.
# Output seen:
#   with room for files: "sides: 4", no report
#   without: "sides: 4", and the report "member call on address … which does not point to an object of type 'Shape'"
# Ends with 0 while it is so, with 1 when one of them has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
[[ $(dpkg-query -W -f '${Version}' libubsan1) == 12.2.0-14+deb12u1 ]]
cat >virtual.cpp <<'END'
#include <sys/resource.h>

#include <cstdio>

struct Shape {
  virtual ~Shape() = default;
  virtual int sides() const { return 4; }
};

int ask(const Shape& shape) { return shape.sides(); }

int main(int count, char**) {
  const Shape square;
  if (count > 1) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  std::printf("sides: %d\n", ask(square));
}
END
g++-12 -fsanitize=undefined -O1 -fno-inline virtual.cpp -o virtual
failed=0
check() {
  local reported=none
  grep -q "does not point to an object of type 'Shape'" "$1" && reported=invalid
  printf '%s: "%s", report: %s\n' "$2" "$(grep -m1 '^sides' "$1")" "$reported"
  [[ $(grep -m1 '^sides' "$1") == "sides: 4" && $reported == "$3" ]] || failed=1
}
./virtual >with 2>&1
./virtual few >without 2>&1
check with "with room for files" none
check without "without" invalid
exit "$failed"
