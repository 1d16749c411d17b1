#include "process/file_limit.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace crolang::process {
namespace {

// Reserved for the plugins' connections, for files, and for answering "503" to nodes beyond the
// limit; connections without a node get at most half of it.
constexpr std::uint64_t kFewestReserved = 64;
constexpr std::uint64_t kMostReserved = 512;
constexpr std::uint64_t kFilesPerWorker = 5;

}  // namespace

FileLimit raise_file_limit(std::uint64_t workers) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  const std::uint64_t files = limit.rlim_cur;
  const auto without = [files](std::uint64_t kept) { return files > kept ? files - kept : 0; };
  const std::uint64_t own = kFilesPerWorker * workers;
  const std::uint64_t reserved = std::clamp(files / 8, kFewestReserved, kMostReserved);
  return {files, without(own + reserved), without(own + reserved / 2)};
}

}  // namespace crolang::process
