/// The commands of the command line that ask the admin interface of a running broker.
/// Threads: values. Errors: CLI::ValidationError of the parser; std::bad_alloc.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace crolang::config {

struct AdminCommand {
  enum class Name : std::uint8_t {
    instances,
    nodes,
    disconnect,
    refused_ids,
    allow,
    drain,
    negotiations,
  };
  Name name = Name::instances;
  std::string url{};  ///< empty: of ADMIN_PORT
  enum class Format : std::uint8_t { table, json } format = Format::table;

  std::string id{};         ///< a node's, or a negotiation's
  std::string prefix{};     ///< nodes
  std::uint64_t limit = 0;  ///< nodes, negotiations; 0: not given
  enum class Scope : std::uint8_t { instance, grid } scope = Scope::instance;  ///< nodes
  std::chrono::seconds refuse_for{0};                                          ///< disconnect
  enum class Close : std::uint8_t { for_good, to_reconnect } close = Close::for_good;
  std::string reason{};  ///< disconnect
  enum class Drain : std::uint8_t { start, cancel } drain = Drain::start;
  std::string node{};   ///< negotiations
  std::string state{};  ///< negotiations
};

/// Adds a subcommand for each, which fill `command`. The result: which were added.
std::vector<CLI::App*> add_admin_commands(CLI::App& app, AdminCommand& command);

}  // namespace crolang::config
