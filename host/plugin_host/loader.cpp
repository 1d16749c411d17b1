#include "plugin_host/loader.hpp"

#define BOOST_DLL_USE_STD_FS
#include <dlfcn.h>
#include <elf.h>

#include <algorithm>
#include <array>
#include <boost/dll/shared_library.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
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
    default:  // no enum: ELF's numbers
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

/// At the same offset in 32-bit and 64-bit headers.
unsigned machine_of(const Header& header) {
  Elf64_Half machine = 0;
  std::memcpy(&machine, header.data() + offsetof(Elf64_Ehdr, e_machine), sizeof machine);
  return machine;
}

/// The least size of the file according to its program headers; 0: it is not a 64-bit ELF file.
std::uint64_t size_by_headers(std::ifstream& file, const Header& header) {
  if (!is_elf(header) || header[EI_CLASS] != ELFCLASS64) return 0;
  Elf64_Ehdr elf{};
  std::memcpy(&elf, header.data(), sizeof elf);
  std::uint64_t size = elf.e_phoff + std::uint64_t{elf.e_phnum} * sizeof(Elf64_Phdr);
  for (unsigned i = 0; i < elf.e_phnum; ++i) {
    Elf64_Phdr segment{};
    file.seekg(static_cast<std::streamoff>(elf.e_phoff + i * sizeof segment));
    std::array<char, sizeof segment> bytes{};
    if (!file.read(bytes.data(), bytes.size())) break;
    std::memcpy(&segment, bytes.data(), sizeof segment);
    if (segment.p_type == PT_LOAD) size = std::max(size, segment.p_offset + segment.p_filesz);
  }
  return size;
}

/// Refuses a file that was copied only partly, or is still being copied. glibc does not compare the
/// segments with the size of the file.
std::optional<Refusal> truncated(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error) return std::nullopt;
  const Header header = header_of(path);
  std::ifstream file(path, std::ios::binary);
  const std::uint64_t needed =
      is_elf(header) && size < header.size() ? header.size() : size_by_headers(file, header);
  if (size >= needed) return std::nullopt;
  return Refusal{path.string() + ": cannot be loaded: the file is truncated: it has " +
                 std::to_string(size) + " of at least " + std::to_string(needed) + " bytes"};
}

/// A better reason than glibc's, which reports a file for another processor as missing.
std::string load_failure_reason(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return {};
  const Header header = header_of(path);
  // An unreadable file has no header either, but glibc's error says why.
  if (header == Header{}) return {};
  if (!is_elf(header)) return "it is not a shared object (ELF file)";
  const unsigned ours = machine_of(header_of("/proc/self/exe"));
  const unsigned its = machine_of(header);
  return its == ours ? "" : "it is built for " + name_of(its) + ", the broker for " + name_of(ours);
}

}  // namespace

Opened open_plugin(const std::filesystem::path& path) {
  if (auto refusal = truncated(path)) return *refusal;
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
    if (const std::string why = load_failure_reason(path); !why.empty())
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
