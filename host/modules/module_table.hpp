#pragma once
/// The module that serves each kind: a plugin or a built-in. Filled at start-up, read by every
/// worker.
/// Threads: any, after it is filled. Errors: none.

#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "kinds/kinds.hpp"

namespace crolang::modules {

using kinds::Kind;

template <class Table>
struct Module {
  const Table* table = nullptr;
  void* self = nullptr;
  std::string plugin_id{};  ///< empty: built in
  std::string variable{};   ///< that selects the plugin, for the log
};

namespace detail {

/// The modules that serve a kind: one, or any number.
template <Kind kind>
using Served =
    std::conditional_t<kinds::describe(kind).plugins == kinds::Description::Plugins::one,
                       Module<kinds::Table<kind>>, std::vector<Module<kinds::Table<kind>>>>;

template <std::size_t... indices>
auto served(std::index_sequence<indices...>) -> std::tuple<Served<static_cast<Kind>(indices)>...>;

}  // namespace detail

class ModuleTable {
 public:
  /// One entry for each kind, in the order of the enum.
  using All = decltype(detail::served(std::make_index_sequence<kinds::kKinds>()));

  ModuleTable() = default;
  explicit ModuleTable(All all) : all_(std::move(all)) {}

  // Hot: per message. A constant offset.
  template <Kind kind>
  const auto& of() const noexcept {
    return std::get<kinds::index(kind)>(all_);
  }
  template <Kind kind>
  auto& of() noexcept {
    return std::get<kinds::index(kind)>(all_);
  }

  /// Makes a plugin serve a kind: instead of the previous module, or in addition where the kind
  /// allows several. `table` is the table of that kind.
  void serve(Kind kind, const void* table, void* self, const std::string& plugin_id,
             const std::string& variable) {
    serve_in(std::make_index_sequence<kinds::kKinds>(), kind, table, self, plugin_id, variable);
  }

 private:
  template <class Table>
  static void put(Module<Table>& served, Module<Table> module) {
    served = std::move(module);
  }
  template <class Table>
  static void put(std::vector<Module<Table>>& served, Module<Table> module) {
    served.push_back(std::move(module));
  }

  template <std::size_t... indices>
  void serve_in(std::index_sequence<indices...>, Kind kind, const void* table, void* self,
                const std::string& plugin_id, const std::string& variable) {
    const auto put_if_meant = [&]<std::size_t i>(std::integral_constant<std::size_t, i>) {
      using Table = kinds::Table<static_cast<Kind>(i)>;
      if (kinds::index(kind) == i) {
        put(std::get<i>(all_),
            Module<Table>{static_cast<const Table*>(table), self, plugin_id, variable});
      }
    };
    (put_if_meant(std::integral_constant<std::size_t, indices>()), ...);
  }

  All all_;
};

}  // namespace crolang::modules
