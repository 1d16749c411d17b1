#pragma once
/// Replies of Redis (RESP 2) from bytes, by hiredis' reader, with limits. Threads: one at a time.
/// Errors: fault(); what follows is not read. std::bad_alloc.

#include <hiredis.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace crolang::redis_registry {

struct FreeReply {
  void operator()(redisReply* reply) const noexcept { ::freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

class ReplyReader {
 public:
  /// The elements of one array. Redis sends as many as were asked for.
  static constexpr int kMaxElements = 1 << 16;

  /// `max_bytes`: of one reply.
  explicit ReplyReader(std::size_t max_bytes);

  void feed(std::string_view bytes);
  /// Everything that was fed has been returned.
  bool is_idle() const { return unfinished_ == 0; }
  /// Null: the next reply is incomplete, or there is a fault.
  Reply next();
  /// What is wrong with what was fed; empty: nothing.
  const std::string& fault() const { return fault_; }

 private:
  struct FreeReader {
    void operator()(redisReader* reader) const noexcept { ::redisReaderFree(reader); }
  };

  std::size_t max_bytes_;
  std::unique_ptr<redisReader, FreeReader> reader_;
  std::size_t unfinished_ = 0;  // bytes since the last complete reply
  std::string fault_;
};

}  // namespace crolang::redis_registry
