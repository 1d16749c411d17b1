#include "plugin_host/loader.hpp"

#define BOOST_DLL_USE_STD_FS
#include <dlfcn.h>
#include <elf.h>

#include <array>
#include <boost/dll/shared_library.hpp>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <system_error>

#include "plugin_host/entry_check.hpp"

namespace crolang::plugin_host {
namespace {

std::string name_of(unsigned machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "aarch64";
    case EM_386:
      return "i386";
    case EM_ARM:
      return "arm";
    case EM_RISCV:
      return "riscv";
    default:
      return "machine " + std::to_string(machine);
  }
}

using Header = std::array<char, sizeof(Elf64_Ehdr)>;

Header header_of(const std::filesystem::path& path) {
  Header bytes{};
  std::ifstream(path, std::ios::binary)
      .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

bool is_elf(const Header& header) {
  return std::memcmp(header.data(), ELFMAG, SELFMAG) == 0;
}

/// The same place in headers of 32 and of 64 bits.
unsigned machine_of(const Header& header) {
  Elf64_Half machine = 0;
  std::memcpy(&machine, header.data() + offsetof(Elf64_Ehdr, e_machine), sizeof machine);
  return machine;
}

/// What glibc does not say: of a file for another processor it says that there is none.
std::string why_no_object(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return {};
  const Header header = header_of(path);
  // One that cannot be read has no header either, but glibc knows why.
  if (header == Header{}) return {};
  if (!is_elf(header)) return "it is no shared object (ELF), as a plugin is";
  const unsigned ours = machine_of(header_of("/proc/self/exe"));
  const unsigned its = machine_of(header);
  return its == ours ? "" : "it is for " + name_of(its) + ", the broker for " + name_of(ours);
}

}  // namespace

Opened open_plugin(const std::filesystem::path& path) {
  namespace dll = boost::dll;
  // RTLD_NODELETE: the library object below closes its handle, the file stays.
  const auto mode = dll::load_mode::rtld_now | dll::load_mode::rtld_local |
                    static_cast<dll::load_mode::type>(RTLD_NODELETE);
  dll::shared_library library;
  std::error_code error;
  library.load(path, error, mode);
  if (error) {
    // Boost's own error is always "Bad file descriptor".
    const char* const reason = dlerror();
    if (const std::string why = why_no_object(path); !why.empty())
      return Refusal{path.string() + ": cannot be loaded: " + why};
    return Refusal{reason != nullptr ? reason : path.string() + ": " + error.message()};
  }
  if (!library.has("crolang_plugin_entry")) {
    return Refusal{path.string() + ": not a broker plugin: no symbol 'crolang_plugin_entry'"};
  }
  const auto* const entry = &library.get<const crolang_plugin>("crolang_plugin_entry");
  if (const auto refusal = entry_refusal(entry)) {
    return Refusal{path.string() + ": " + *refusal};
  }
  return Plugin{path, entry};
}

}  // namespace crolang::plugin_host
