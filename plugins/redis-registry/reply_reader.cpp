#include "redis-registry/reply_reader.hpp"

#include <new>
#include <utility>

namespace crolang::redis_registry {
namespace {

// What the reader keeps allocated while it has nothing to read.
constexpr std::size_t kKeptBuffer = 128 * 1024;

/// hiredis' own functions, of which createArray would allocate as much as a reply announces.
struct Functions : redisReplyObjectFunctions {
  using Create = void* (*)(const redisReadTask*, int);
  Create create_any_array;

  static void* create_array(const redisReadTask* task, int elements);
};

Functions& functions() {
  static Functions bounded = [] {
    const std::unique_ptr<redisReader, decltype(&::redisReaderFree)> usual(::redisReaderCreate(),
                                                                           &::redisReaderFree);
    if (usual == nullptr) throw std::bad_alloc();
    Functions own{*usual->fn, usual->fn->createArray};
    own.createArray = &Functions::create_array;
    return own;
  }();
  return bounded;
}

void* Functions::create_array(const redisReadTask* task, int elements) {
  if (elements < 0 || elements > ReplyReader::kMaxElements) return nullptr;
  return functions().create_any_array(task, elements);
}

}  // namespace

ReplyReader::ReplyReader(std::size_t max_bytes)
    : max_bytes_(max_bytes), reader_(::redisReaderCreateWithFunctions(&functions())) {
  if (reader_ == nullptr) throw std::bad_alloc();
  reader_->maxbuf = kKeptBuffer;
}

void ReplyReader::feed(std::string_view bytes) {
  if (!fault_.empty()) return;
  unfinished_ += bytes.size();
  if (::redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    throw std::bad_alloc();
  }
}

Reply ReplyReader::next() {
  if (!fault_.empty()) return nullptr;
  void* read = nullptr;
  if (::redisReaderGetReply(reader_.get(), &read) != REDIS_OK) {
    fault_ = reader_->err == REDIS_ERR_OOM
                 ? "Redis sent a reply that is too large, or no memory is left for it"
                 : std::string(reader_->errstr);
    return nullptr;
  }
  Reply reply(static_cast<redisReply*>(read));
  if (reply != nullptr) {
    unfinished_ = reader_->len - reader_->pos;
  } else if (unfinished_ > max_bytes_) {
    fault_ = "Redis sent a reply of more than " + std::to_string(max_bytes_ >> 20) + " MiB";
  }
  return reply;
}

}  // namespace crolang::redis_registry
