#!/usr/bin/env bash
# A destructor that asks for memory.
#
# Package: nlohmann-json3-dev 3.11.2-2 (Debian 12). Compiler: any g++ with C++17.
# Behaviour: destroying a value frees memory, one would expect, and needs none. A nlohmann::json that holds an array or an object with
# members first moves them into a std::vector, so that deep trees do not recurse: an allocation for each tree that is not empty, and more
# while the vector grows. A destructor cannot pass on that there is no memory. So a program that parses into a tree and means to survive std::bad_alloc
# by catching it cannot: where memory is short enough for the parsing to fail, it is for the destruction of what has been parsed. The
# SAX interface of the same library builds no tree.
# Output seen:
#   null, a number, [] and {}: 0 allocations to destroy
#   {"authenticated":true}: 1 allocation to destroy
#   {"a":[1,{"b":2}]}: 2 allocations to destroy
#   {"authenticated":true} by SAX: 0 allocations to destroy
# Ends with 0 while it is so, with 1 when one of them has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -o APT::Sandbox::User=root download -qq nlohmann-json3-dev=3.11.2-2 >&2
dpkg-deb -x nlohmann-json3-dev_3.11.2-2_all.deb .
cat >count.cpp <<'END'
#include <cstdio>
#include <cstdlib>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>

static std::size_t g_allocations = 0;
void* operator new(std::size_t size) {
  ++g_allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using Json = nlohmann::json;
static bool g_as_seen = true;

static void report(const char* what, std::size_t count, std::size_t seen) {
  std::printf("%s: %zu allocation%s to destroy\n", what, count, count == 1 ? "" : "s");
  g_as_seen = g_as_seen && count == seen;
}

static std::size_t cost_of(const char* text) {
  std::optional<Json> tree(Json::parse(text));
  const std::size_t before = g_allocations;
  tree.reset();
  return g_allocations - before;
}

struct Flag : nlohmann::json_sax<Json> {
  bool seen = false;
  bool null() override { return true; }
  bool boolean(bool value) override { return seen = value; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }
};

int main() {
  report("null, a number, [] and {}", cost_of("null") + cost_of("1") + cost_of("[]") + cost_of("{}"), 0);
  report("{\"authenticated\":true}", cost_of("{\"authenticated\":true}"), 1);
  report("{\"a\":[1,{\"b\":2}]}", cost_of("{\"a\":[1,{\"b\":2}]}"), 2);
  std::optional<Flag> flag(std::in_place);
  const bool parsed = Json::sax_parse("{\"authenticated\":true}", &*flag) && flag->seen;
  const std::size_t before = g_allocations;
  flag.reset();
  report("{\"authenticated\":true} by SAX", g_allocations - before, 0);
  return g_as_seen && parsed ? 0 : 1;
}
END
g++ -std=c++17 -O1 -I usr/include count.cpp -o count
./count
