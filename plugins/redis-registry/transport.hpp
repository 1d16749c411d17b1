#pragma once
/// A byte stream to Redis that never blocks. Threads: one at a time. Errors: Status::failed, with
/// words in fault(); no exception but std::bad_alloc.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace crolang::redis_registry {

class Transport {
 public:
  enum class Status : std::uint8_t {
    done,
    wants_read,   ///< goes on when the descriptor is readable
    wants_write,  ///< … or writable
    ended,        ///< the peer has closed it
    failed
  };
  struct Moved {
    Status status;
    std::size_t bytes = 0;  ///< with Status::done, at least 1
  };

  virtual ~Transport() = default;

  /// To be polled; -1 if there is none.
  virtual int descriptor() const = 0;
  /// Goes on connecting. Nothing is read or written before it is done.
  virtual Status connect() = 0;
  virtual Moved read(std::span<char> into) = 0;
  virtual Moved write(std::string_view bytes) = 0;
  /// There may be bytes to read although the descriptor is not readable.
  virtual bool has_more() const = 0;
  /// Why it failed.
  virtual std::string fault() const = 0;
  /// The error text if it makes no progress.
  virtual std::string silence() const { return "no answer"; }
  /// Its destruction will reset the connection, so that nothing unsent arrives later.
  virtual void abort() = 0;
};

}  // namespace crolang::redis_registry
