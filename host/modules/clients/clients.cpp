#include "modules/clients/clients.hpp"

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

const Answer* Clients::authenticate(const Waiter& waiter, const NodeFacts& node) {
  const auto& m = modules_.authentication;
  const crolang_str data = node.data ? borrow(*node.data) : crolang_str{nullptr, 0};
  return desk_.ask(Question::authenticate, m.plugin_id, waiter, timeout_, 0, {}, [&](void* op) {
    m.table->authenticate(m.self, borrow(node.id), borrow(node.version), borrow(node.runtime), data,
                          ms(timeout_), &CallDesk::on_yes_no, op);
  });
}

const Answer* Clients::claim(const Waiter& waiter, const Claim& claim) {
  const auto& m = modules_.registry;
  return desk_.ask(Question::claim, m.plugin_id, waiter, timeout_, 0, claim, [&](void* op) {
    m.table->claim(m.self, borrow(claim), ms(timeout_), &CallDesk::on_claimed, op);
  });
}

const Answer* Clients::replace(const Waiter& waiter, const Claim& claim, const Holder& expected) {
  const auto& m = modules_.registry;
  return desk_.ask(Question::replace, m.plugin_id, waiter, timeout_, 0, claim, [&](void* op) {
    m.table->replace(m.self, borrow(claim), borrow(expected), ms(timeout_), &CallDesk::on_claimed,
                     op);
  });
}

const Answer* Clients::announce(const Waiter& waiter, const Claim& claim) {
  const auto& m = modules_.registry;
  return desk_.ask(Question::announce, m.plugin_id, waiter, timeout_, 0, {}, [&](void* op) {
    m.table->announce(m.self, borrow(claim), ms(timeout_), &CallDesk::on_done, op);
  });
}

void Clients::release(const Claim& claim) {
  const auto& m = modules_.registry;
  desk_.ask(Question::release, m.plugin_id, {}, timeout_, 0, {}, [&](void* op) {
    m.table->release(m.self, borrow(claim), ms(timeout_), &CallDesk::on_done, op);
  });
}

const Answer* Clients::probe(const Waiter& waiter, std::string_view id, const Holder& incumbent,
                             std::chrono::milliseconds patience) {
  const auto& m = modules_.registry;
  const auto timeout = timeout_ + patience;
  return desk_.ask(Question::probe, m.plugin_id, waiter, timeout, 0, {}, [&](void* op) {
    m.table->probe(m.self, borrow(id), borrow(incumbent), ms(patience), ms(timeout),
                   &CallDesk::on_verdict, op);
  });
}

const Answer* Clients::lookup(const Waiter& waiter, std::span<const std::string_view> ids) {
  const auto& m = modules_.registry;
  if (ids.size() == 1) {
    const crolang_str id = borrow(ids[0]);
    return desk_.ask(Question::lookup, m.plugin_id, waiter, timeout_, 1, {}, [&](void* op) {
      m.table->lookup(m.self, &id, 1, ms(timeout_), &CallDesk::on_located, op);
    });
  }
  const auto texts = borrow(ids);
  return desk_.ask(Question::lookup, m.plugin_id, waiter, timeout_, ids.size(), {}, [&](void* op) {
    m.table->lookup(m.self, texts.data(), texts.size(), ms(timeout_), &CallDesk::on_located, op);
  });
}

const Answer* Clients::send(const Waiter& waiter, std::string_view instance, const Claim& to,
                            std::string_view body) {
  const auto& m = modules_.registry;
  return desk_.ask(Question::send, m.plugin_id, waiter, timeout_, 0, {}, [&](void* op) {
    m.table->send(m.self, borrow(instance), borrow(to), borrow(body), ms(timeout_),
                  &CallDesk::on_yes_no, op);
  });
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

}  // namespace crolang::modules
