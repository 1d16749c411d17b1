#pragma once
/// The nodes of the whole grid, for operators: who is connected and where, to disconnect one
/// wherever it is, and to refuse ids everywhere for some time. Nodes of other instances are asked
/// for by the registry's questions between instances (broker/node_questions.hpp).
///
/// Threads: any but workers: every function may wait, for kLongestWait at most. Errors: Failure.
/// Throws std::bad_alloc.

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/node_questions.hpp"
#include "broker/refused_ids.hpp"
#include "broker/shared_state.hpp"
#include "grid/registry_client.hpp"

namespace crolang::grid {

inline constexpr std::chrono::milliseconds kLongestWait{2000};
inline constexpr std::chrono::seconds kLongestRefusal{31'536'000};

struct Failure {
  enum class Why : std::uint8_t {
    not_found,      ///< no such node is connected, or no such id is refused
    unavailable,    ///< the registry, or the node's instance, does not answer
    not_supported,  ///< the registry plugin cannot do that
    full,           ///< kMaxRefusedIds are refused already
    invalid,        ///< no node can have the id, or it is too long to be refused
  };
  Why why;
  std::string sentence;
  bool operator==(const Failure&) const = default;
};

template <class Value>
using Outcome = std::variant<Value, Failure>;

class GridNodes {
 public:
  using Json = nlohmann::json;

  /// `shared` must outlive it.
  explicit GridNodes(broker::SharedState& shared) : shared_(shared), registry_(shared) {}

  enum class Scope : std::uint8_t { instance, grid };
  struct Listing {
    std::vector<Json> nodes;  ///< sorted by id
    /// What the next query's `after` is; nullopt: these are the last ones.
    std::optional<std::string> next_cursor;
    std::vector<std::string> unreachable;  ///< instances whose nodes are missing
  };
  Outcome<Listing> list(const broker::NodeQuery& query, Scope scope) const;

  Outcome<Json> find(const std::string& id) const;

  struct Disconnected {
    std::optional<std::string> instance;  ///< where it was; nullopt: nowhere
    bool disconnected = false;
  };
  /// Wherever it is.
  Outcome<Disconnected> disconnect(const broker::Disconnection& disconnection) const;
  /// Refuses its id in the whole grid for `time`, then disconnects it, if it is connected.
  struct Refused {
    Disconnected node;
    broker::RefusedId id;
  };
  Outcome<Refused> refuse(const broker::Disconnection& disconnection,
                          std::chrono::seconds time) const;

  /// As far as this instance knows.
  std::vector<broker::RefusedId> refused_ids() const;
  /// The id may connect again. nullopt: it may.
  std::optional<Failure> lift(const std::string& id) const;

 private:
  using Deadline = RegistryClient::Deadline;
  static Deadline deadline() { return std::chrono::steady_clock::now() + kLongestWait; }

  /// The instance of a node that has not joined here; nullopt: none.
  Outcome<std::optional<std::string>> locate(const std::string& id, Deadline deadline) const;
  Outcome<Disconnected> disconnect(const broker::Disconnection& disconnection,
                                   Deadline deadline) const;

  broker::SharedState& shared_;
  const RegistryClient registry_;
};

}  // namespace crolang::grid
