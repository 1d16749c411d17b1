#include "process/memory_budget.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

#include "system/cgroup.hpp"

namespace crolang::process {
namespace {

constexpr auto kMeasureEvery = std::chrono::milliseconds(100);
constexpr auto kTrimEvery = std::chrono::seconds(2);
constexpr std::uint64_t kMostUnmeasured = 16 * 1024 * 1024;
constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

/// proc(5), statm: resident minus shared pages. Without a heap allocation, since there may be no
/// memory left.
std::optional<std::uint64_t> anonymous_memory() {
  std::array<char, 256> text{};
  const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  const ssize_t n = ::read(fd, text.data(), text.size() - 1);
  ::close(fd);
  if (n <= 0) return std::nullopt;
  std::string_view rest(text.data(), static_cast<std::size_t>(n));
  std::array<std::uint64_t, 3> pages{};
  for (std::uint64_t& each : pages) {
    const auto value = number(rest);
    if (!value) return std::nullopt;
    each = *value;
    rest.remove_prefix(std::min(rest.find(' '), rest.size() - 1) + 1);
  }
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return (pages[1] - std::min(pages[1], pages[2])) * page;
}

std::uint64_t limit_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string text;
  if (!(in >> text)) return kNone;
  return number(text).value_or(kNone);  // "max"
}

/// The tightest limit on the way from the process's group to the root.
std::uint64_t cgroup_limit(const std::filesystem::path& root) {
  std::uint64_t least = kNone;
  for (const auto& [version, folder] : system::cgroup_folders(root, "memory")) {
    if (version == system::CgroupFolder::Version::v1) {
      least = std::min(least, limit_in(folder / "memory.limit_in_bytes"));
    } else {
      least = std::min({least, limit_in(folder / "memory.max"), limit_in(folder / "memory.high")});
    }
  }
  return least;
}

std::uint64_t machine_memory(const std::filesystem::path& root) {
  std::ifstream in(root / "proc/meminfo");
  std::string name;
  std::uint64_t kibibytes = 0;
  while (in >> name >> kibibytes) {
    if (name == "MemTotal:") return kibibytes * 1024;
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  // /proc/meminfo may be hidden from a service (systemd's ProcSubset=pid).
  struct sysinfo machine {};
  return ::sysinfo(&machine) == 0 ? std::uint64_t{machine.totalram} * machine.mem_unit : kNone;
}

std::int64_t ticks(MemoryBudget::TimePoint time) {
  return time.time_since_epoch().count();
}

/// If several threads ask at the same time, true for one of them.
bool is_due(std::atomic<std::int64_t>& at, MemoryBudget::TimePoint now,
            MemoryBudget::TimePoint::duration every) {
  std::int64_t due = at.load(std::memory_order_relaxed);
  return ticks(now) >= due &&
         at.compare_exchange_strong(due, ticks(now + every), std::memory_order_relaxed);
}

}  // namespace

MemoryBudget::MemoryBudget(std::uint64_t limit)
    : limit_(limit), quantum_(std::clamp<std::uint64_t>(limit / 32, 1, kMostUnmeasured)) {
  measure();
}

std::uint64_t MemoryBudget::excess() const noexcept {
  return used() > limit_ ? used() - limit_ : 0;
}

MemoryBudget::Level MemoryBudget::level() const noexcept {
  const std::uint64_t now = used();
  if (now > limit_) return Level::exhausted;
  return now > limit_ - limit_ / 8 ? Level::scarce : Level::ample;
}

bool MemoryBudget::note(std::uint64_t bytes) {
  if (noted_.fetch_add(bytes, std::memory_order_relaxed) + bytes < quantum_) return false;
  measure();
  return true;
}

void MemoryBudget::refresh(TimePoint now) {
  if (is_due(measure_at_, now, kMeasureEvery)) measure();
}

void MemoryBudget::measure() {
  noted_.store(0, std::memory_order_relaxed);
  if (const auto bytes = anonymous_memory()) used_.store(*bytes, std::memory_order_relaxed);
}

void MemoryBudget::subtract_freed(std::uint64_t bytes) noexcept {
  std::uint64_t before = used();
  while (!used_.compare_exchange_weak(before, before - std::min(before, bytes),
                                      std::memory_order_relaxed)) {
  }
}

void MemoryBudget::trim(TimePoint now) {
  trim_at_.store(ticks(now + kTrimEvery), std::memory_order_relaxed);
  ::malloc_trim(0);
  measure();
}

void MemoryBudget::trim_if_due(TimePoint now) {
  if (is_due(trim_at_, now, kTrimEvery)) ::malloc_trim(0);
  measure();
}

std::uint64_t default_memory_budget(const std::string& root) {
  const std::uint64_t machine = machine_memory(root);
  const std::uint64_t group = cgroup_limit(root);
  const std::uint64_t of_machine = machine / 2;
  // Version 1 says "no limit" by a number larger than any memory.
  return group >= machine ? of_machine : std::min(group / 4 * 3, machine);
}

}  // namespace crolang::process
