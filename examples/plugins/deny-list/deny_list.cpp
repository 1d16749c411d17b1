/// deny-list: refuses messages between certain nodes. A plugin in C++.
///
///   AUTHORIZE_NODES_COMMUNICATION_PLUGIN=deny-list DENY_LIST='eve,alice>bob' crolang-broker
///
/// An id alone may neither send nor be sent to; a pair `from>to` is refused in that direction.
#include <algorithm>
#include <crolang/sdk/authorization.hpp>
#include <crolang/sdk/entry.hpp>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

class DenyList final : public crolang::plugin::Authorization {
 public:
  /// For `crolang-broker --check-config`, which does not create the plugin. An exception is
  /// reported as a fault.
  static void check_variables(const crolang::plugin::Variables& variables,
                              const crolang::plugin::Findings&) {
    DenyList{variables};
  }

  explicit DenyList(const crolang::plugin::Variables& variables) {
    const std::string_view list = variables.env("DENY_LIST");
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t end = std::min(list.find(',', begin), list.size());
      add(list.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  void authorize(std::string_view from, std::string_view to,
                 crolang::plugin::YesNo answer) override {
    const auto refused = pairs_.find(from);
    const bool denied = nodes_.contains(from) || nodes_.contains(to) ||
                        (refused != pairs_.end() && refused->second.contains(to));
    answer.decide(!denied, "DENY_LIST");
  }

 private:
  void add(std::string_view entry) {
    while (entry.starts_with(' ')) entry.remove_prefix(1);
    while (entry.ends_with(' ')) entry.remove_suffix(1);
    const std::size_t arrow = entry.find('>');
    const std::string_view from = entry.substr(0, arrow);
    if (from.empty() || arrow + 1 == entry.size()) {
      throw std::invalid_argument("DENY_LIST: '" + std::string(entry) +
                                  "' is neither an id nor from>to");
    }
    if (arrow == std::string_view::npos) {
      nodes_.emplace(from);
    } else {
      pairs_[std::string(from)].emplace(entry.substr(arrow + 1));
    }
  }

  // std::less<>: looked up for each message, without building strings.
  using Ids = std::set<std::string, std::less<>>;
  Ids nodes_;
  std::map<std::string, Ids, std::less<>> pairs_;  // sender → receivers
};

constexpr crolang_env kEnv[] = {
    {"DENY_LIST", CROLANG_STRING, CROLANG_REQUIRED, nullptr,
     "ids that may not communicate and pairs from>to that are refused, separated by commas"},
};

}  // namespace

CROLANG_PLUGIN(DenyList, "org.crolang.example.deny-list", "1.0.0",
               "refuses messages between certain nodes", kEnv)
