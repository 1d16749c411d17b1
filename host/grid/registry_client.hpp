#pragma once
/// The registry as threads ask it that are no workers and may wait: the admin interface's. Worker 0
/// asks on their behalf.
///
/// Threads: any but workers, which must not wait. Errors: an answer that does not come by the
/// deadline has the status CROLANG_TIMEOUT. Throws std::bad_alloc.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "broker/shared_state.hpp"
#include "modules/answer.hpp"

namespace crolang::grid {

class RegistryClient {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// `shared` must outlive it.
  explicit RegistryClient(broker::SharedState& shared) : shared_(shared) {}

  modules::Answer list_instances(Deadline deadline) const;
  /// Of one id: the answer has one holder.
  modules::Answer lookup(const std::string& id, Deadline deadline) const;
  /// Whether the registry has a table that all instances share.
  bool shares_entries() const;
  /// CROLANG_INVALID if it has none, or no room for the entry.
  modules::Answer set_entry(const modules::Entry& entry, Deadline deadline) const;
  /// All of them; none if the registry has no shared table.
  modules::Answer list_entries(Deadline deadline) const;
  struct Question {
    std::string instance;
    std::string body;
  };
  /// Asks all of them at once. Answers in the order of the questions.
  std::vector<modules::Answer> ask(const std::vector<Question>& questions, Deadline deadline) const;
  /// Asks all these instances the same.
  std::vector<modules::Answer> ask(const std::vector<std::string>& instances,
                                   const std::string& body, Deadline deadline) const;

 private:
  broker::SharedState& shared_;
};

}  // namespace crolang::grid
