#include "modules/clients/clients.hpp"

#include <utility>
#include <vector>

namespace crolang::modules {
namespace {

// plugin.h: a text's `data` is NULL only where a function says what that means.
crolang_str borrow(std::string_view text) {
  return {text.data() == nullptr ? "" : text.data(), text.size()};
}

crolang_claim borrow(const CallDesk::Claim& claim) {
  return {borrow(claim.id), claim.token};
}

crolang_holder borrow(const Holder& holder) {
  return {borrow(holder.instance), holder.token};
}

std::uint32_t ms(std::chrono::milliseconds time) {
  return static_cast<std::uint32_t>(time.count());
}

std::vector<crolang_str> borrow(std::span<const std::string_view> ids) {
  std::vector<crolang_str> texts;
  texts.reserve(ids.size());
  for (const std::string_view id : ids) texts.push_back(borrow(id));
  return texts;
}

}  // namespace

template <class Call>
const Answer* Clients::ask_registry(Question question, const Waiter& waiter,
                                    std::chrono::milliseconds timeout, std::size_t expected,
                                    const Claim& claim, Call&& call, const Receipt& receipt) {
  ++unflushed_;
  const auto& m = modules_.registry;
  return desk_.ask(
      question, m.plugin_id, waiter, timeout, expected, claim,
      [&](void* op) { call(*m.table, m.self, op); }, receipt);
}

const Answer* Clients::authenticate(const Waiter& waiter, const NodeFacts& node) {
  const auto& m = modules_.authentication;
  const crolang_str data = node.data ? borrow(*node.data) : crolang_str{nullptr, 0};
  return desk_.ask(Question::authenticate, m.plugin_id, waiter, timeout_, 0, {}, [&](void* op) {
    m.table->authenticate(m.self, borrow(node.id), borrow(node.version), borrow(node.runtime), data,
                          ms(timeout_), &CallDesk::on_yes_no, op);
  });
}

const Answer* Clients::claim(const Waiter& waiter, const Claim& claim) {
  return ask_registry(Question::claim, waiter, timeout_, 0, claim,
                      [&](const crolang_registry& table, void* self, void* op) {
                        table.claim(self, borrow(claim), ms(timeout_), &CallDesk::on_claimed, op);
                      });
}

const Answer* Clients::replace(const Waiter& waiter, const Claim& claim, const Holder& expected) {
  return ask_registry(Question::replace, waiter, timeout_, 0, claim,
                      [&](const crolang_registry& table, void* self, void* op) {
                        table.replace(self, borrow(claim), borrow(expected), ms(timeout_),
                                      &CallDesk::on_claimed, op);
                      });
}

const Answer* Clients::announce(const Waiter& waiter, const Claim& claim) {
  return ask_registry(Question::announce, waiter, timeout_, 0, {},
                      [&](const crolang_registry& table, void* self, void* op) {
                        table.announce(self, borrow(claim), ms(timeout_), &CallDesk::on_done, op);
                      });
}

void Clients::release(const Claim& claim) {
  ask_registry(Question::release, {}, timeout_, 0, {},
               [&](const crolang_registry& table, void* self, void* op) {
                 table.release(self, borrow(claim), ms(timeout_), &CallDesk::on_done, op);
               });
}

const Answer* Clients::probe(const Waiter& waiter, std::string_view id, const Holder& incumbent,
                             std::chrono::milliseconds patience) {
  const auto timeout = timeout_ + patience;
  return ask_registry(Question::probe, waiter, timeout, 0, {},
                      [&](const crolang_registry& table, void* self, void* op) {
                        table.probe(self, borrow(id), borrow(incumbent), ms(patience), ms(timeout),
                                    &CallDesk::on_verdict, op);
                      });
}

const Answer* Clients::lookup(const Waiter& waiter, std::span<const std::string_view> ids) {
  if (ids.size() == 1) {
    const crolang_str id = borrow(ids[0]);
    return ask_registry(Question::lookup, waiter, timeout_, 1, {},
                        [&](const crolang_registry& table, void* self, void* op) {
                          table.lookup(self, &id, 1, ms(timeout_), &CallDesk::on_located, op);
                        });
  }
  const auto texts = borrow(ids);
  return ask_registry(Question::lookup, waiter, timeout_, ids.size(), {},
                      [&](const crolang_registry& table, void* self, void* op) {
                        table.lookup(self, texts.data(), texts.size(), ms(timeout_),
                                     &CallDesk::on_located, op);
                      });
}

const Answer* Clients::presence(const Waiter& waiter, std::span<const std::string_view> ids) {
  const auto texts = borrow(ids);
  return ask_registry(
      Question::lookup, waiter, timeout_, ids.size(), {},
      [&](const crolang_registry& table, void* self, void* op) {
        const bool has_own = CROLANG_HAS(&table, presence) && table.presence != nullptr;
        (has_own ? table.presence : table.lookup)(self, texts.data(), texts.size(), ms(timeout_),
                                                  &CallDesk::on_located, op);
      });
}

const Answer* Clients::send(const Waiter& waiter, std::string_view instance, const Claim& to,
                            std::string_view body, const Receipt& receipt) {
  return ask_registry(
      Question::send, waiter, timeout_, 0, {},
      [&](const crolang_registry& table, void* self, void* op) {
        table.send(self, borrow(instance), borrow(to), borrow(body), ms(timeout_),
                   &CallDesk::on_yes_no, op);
      },
      receipt);
}

const Answer* Clients::resolve_rtc(const Waiter& waiter, std::string_view node) {
  const auto& m = modules_.rtc_config;
  return desk_.ask(Question::resolve_rtc, m.plugin_id, waiter, timeout_, 0, {}, [&](void* op) {
    m.table->resolve(m.self, borrow(node), ms(timeout_), &CallDesk::on_text, op);
  });
}

const Answer* Clients::authorize(const Waiter& waiter, std::string_view from, std::string_view to) {
  const auto& m = modules_.authorization;
  return desk_.ask(Question::authorize, m.plugin_id, waiter, timeout_, 0, {}, [&](void* op) {
    m.table->authorize(m.self, borrow(from), borrow(to), ms(timeout_), &CallDesk::on_yes_no, op);
  });
}

const Answer* Clients::check_validity(const Waiter& waiter, std::span<const std::string_view> ids) {
  const auto& m = modules_.validity;
  const auto texts = borrow(ids);
  return desk_.ask(
      Question::check_validity, m.plugin_id, waiter, timeout_, ids.size(), {}, [&](void* op) {
        m.table->check(m.self, texts.data(), texts.size(), ms(timeout_), &CallDesk::on_flags, op);
      });
}

void Clients::observe(std::string_view from, std::string_view to, bool receiver_connected) {
  for (const auto& m : modules_.observers) {
    m.table->on_message(m.self, borrow(from), borrow(to), receiver_connected);
  }
}

void Clients::flush() {
  if (std::exchange(unflushed_, 0) == 0) return;
  const auto& m = modules_.registry;
  if (m.table->flush == nullptr) return;
  desk_.time(Question::flush, m.plugin_id, [&] { m.table->flush(m.self); });
}

}  // namespace crolang::modules
