#pragma once
/// Resolves host names asynchronously as the system does (getaddrinfo: /etc/hosts, nsswitch.conf,
/// DNS).
///
/// A lookup runs on a thread of its own, at most one for each Resolver. getaddrinfo cannot be
/// interrupted: when the Resolver is destroyed during a lookup, the thread continues and ends when
/// the name server has answered or the lookup has timed out.
/// Threads: one at a time, except that `on_answer` runs on the lookup's thread. Errors: ask throws
/// std::system_error if no thread can be created, std::bad_alloc if there is no memory; then
/// nothing was asked. A name that cannot be resolved is an answer.

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace crolang::common {

class Resolver {
 public:
  struct Answer {
    std::vector<std::string> addresses;  ///< numeric; may contain duplicates
    std::string fault;  ///< the system's error text; not empty: there are no addresses
  };

  /// Precondition: !is_asking(). If the host is an address itself, the answer is available at once.
  /// `on_answer` is called once has_answer() is true; it must not throw, and outlives this object
  /// if that is destroyed first.
  void ask(const std::string& host, std::function<void()> on_answer = {});
  /// True from ask until take_answer.
  bool is_asking() const noexcept { return question_ != nullptr; }
  bool has_answer() const noexcept;
  /// Precondition: has_answer().
  Answer take_answer();

 private:
  struct Question;
  std::shared_ptr<Question> question_;
};

}  // namespace crolang::common
