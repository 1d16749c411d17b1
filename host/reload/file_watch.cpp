#include "reload/file_watch.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace crolang::reload {
namespace {

std::int64_t nanoseconds(const timespec& time) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return std::int64_t{time.tv_sec} * kSecond + time.tv_nsec;
}

FileWatch::State state_of(const std::string& file) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0) return {.error = errno};
  return {.device = facts.st_dev,
          .inode = facts.st_ino,
          .size = facts.st_size,
          .modified_ns = nanoseconds(facts.st_mtim),
          .changed_ns = nanoseconds(facts.st_ctim)};
}

}  // namespace

FileWatch::States FileWatch::look() const {
  States states;
  states.reserve(files_.size());
  for (const std::string& file : files_) states.push_back(state_of(file));
  return states;
}

void FileWatch::mark_read(States before) {
  read_ = std::move(before);
}

FileWatch::Change FileWatch::check() {
  States now = look();
  const bool is_settled = now == previous_;
  const bool is_changed = now != read_;
  previous_ = std::move(now);
  if (!is_changed) return Change::none;
  return is_settled ? Change::settled : Change::recent;
}

}  // namespace crolang::reload
