#pragma once
/// Finds the addresses of a host name without keeping anybody waiting. Thread: the service's; names
/// that have to be asked for are asked for on a thread of their own.

#include <cstdint>
#include <future>
#include <string>
#include <vector>

namespace crolang::redis_registry {

class Resolver {
 public:
  struct Answer {
    std::vector<std::string> addresses;  ///< numeric
    std::string fault;                   ///< not empty: why there are none
  };

  void ask(const std::string& host);
  bool is_asking() const { return answer_.valid(); }
  bool has_answer() const;
  Answer take_answer() { return answer_.get(); }

 private:
  std::future<Answer> answer_;
};

}  // namespace crolang::redis_registry
