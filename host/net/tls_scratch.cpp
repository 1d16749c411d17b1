#include "net/tls_scratch.hpp"

namespace crolang::net {

TlsScratch::TlsScratch()
    : sealed_(std::make_unique_for_overwrite<char[]>(kSealed)),
      received_(std::make_unique_for_overwrite<char[]>(kReceived)) {}

TlsScratch& TlsScratch::of_this_thread() {
  thread_local const std::unique_ptr<TlsScratch> scratch(new TlsScratch());
  return *scratch;
}

}  // namespace crolang::net
