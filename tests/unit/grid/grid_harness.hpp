#pragma once
/// Two instances of a grid without sockets and threads: what is posted to a worker is executed at
/// once, and questions between the instances are answered at once. Threads: one.

#include <map>
#include <string>

#include "unit/broker/harness.hpp"

namespace crolang::grid::testing {

using broker::testing::Asked;
using broker::testing::Question;

/// Its worker executes a command as soon as it is posted.
class Instance final : public broker::testing::Harness {
 public:
  explicit Instance(std::string_view name) : Harness({}, name) {}
  void post(std::uint16_t worker, broker::Command command) override {
    Harness::post(worker, std::move(command));
    run_iteration();
  }
};

struct GridHarness {
  GridHarness();

  /// The registry knows where these nodes are.
  std::map<std::string, std::string> locations;
  std::map<std::string, modules::Entry> entries;

  Instance here{"here"};
  Instance there{"there"};
};

}  // namespace crolang::grid::testing
