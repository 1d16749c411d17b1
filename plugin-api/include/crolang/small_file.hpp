#pragma once
/// Reads a small regular file whole, such as a key or a certificate that an operator has named.
///
/// Threads: any; it blocks while it reads. Errors: a FileFault; throws std::bad_alloc.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>

namespace crolang {

struct SmallFile {
  /// Allocated once, so that overwriting it leaves no copy of a secret behind.
  std::string content;
  struct stat facts {};  ///< from before the content was read: later changes can be detected
};

struct FileFault {
  enum class Kind {
    unreadable,
    not_regular,  ///< a folder, a pipe, a device
    too_large,
  } kind;
  int error = 0;  ///< unreadable: an errno
};

/// `max`: in bytes.
inline std::variant<SmallFile, FileFault> read_small_file(const std::string& path,
                                                          std::size_t max) {
  struct Descriptor {
    int number;
    ~Descriptor() {
      if (number >= 0) ::close(number);
    }
  };
  // O_NONBLOCK, so as not to wait for the writer if it is a pipe.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  SmallFile read;
  if (file.number < 0 || ::fstat(file.number, &read.facts) != 0) {
    return FileFault{FileFault::Kind::unreadable, errno};
  }
  if (!S_ISREG(read.facts.st_mode)) return FileFault{FileFault::Kind::not_regular};
  if (static_cast<std::size_t>(read.facts.st_size) > max) {
    return FileFault{FileFault::Kind::too_large};
  }
  read.content.resize(max + 1);
  std::size_t size = 0;
  while (size < read.content.size()) {
    const ssize_t got = ::read(file.number, read.content.data() + size, read.content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileFault{FileFault::Kind::unreadable, errno};
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > max) return FileFault{FileFault::Kind::too_large};
  read.content.resize(size);
  return read;
}

}  // namespace crolang
