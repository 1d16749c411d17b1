#pragma once
/// Finds the addresses of a host name without keeping anybody waiting. Threads: whoever has the
/// service's turn; names that have to be asked for are asked for on a thread of their own, which
/// nobody waits for in the end: it may hang for as long as the name server does.

#include <memory>
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
  bool is_asking() const { return question_ != nullptr; }
  bool has_answer() const;
  /// Ends the asking.
  Answer take_answer();

 private:
  struct Question;
  std::shared_ptr<Question> question_;
};

}  // namespace crolang::redis_registry
