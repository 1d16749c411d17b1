#pragma once
/// Notices that files have changed, by asking stat for them at intervals: a file may be written in
/// place, replaced, or reached by a symbolic link or a folder that is replaced, and may be on a
/// network volume, which reports no events.
///
/// Threads: one; stat may block. Errors: none, a file that cannot be found is a state like others.
/// Throws std::bad_alloc.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace crolang::reload {

class FileWatch {
 public:
  /// What stat says about one file, behind all symbolic links.
  struct State {
    int error = 0;  ///< an errno; the rest is 0 then
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified_ns = 0;  ///< since the epoch
    std::int64_t changed_ns = 0;

    bool operator==(const State&) const = default;
  };
  using States = std::vector<State>;

  explicit FileWatch(std::vector<std::string> files) : files_(std::move(files)) {}

  /// To be called before the files are read.
  States look() const;
  /// To be called once they have been read, with what was seen before.
  void mark_read(States before);

  enum class Change {
    none,     ///< the files are those that were read
    recent,   ///< they differ, also from those of the previous call: somebody may be writing them
    settled,  ///< they differ, and are as at the previous call
  };
  /// To be called at intervals.
  Change check();

 private:
  std::vector<std::string> files_;
  States read_;
  States previous_;
};

}  // namespace crolang::reload
