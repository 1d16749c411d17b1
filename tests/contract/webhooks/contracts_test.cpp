// The suite that every plugin can be put to, over the five webhooks.
#include <crolang/testing/module_contract.hpp>
#include <memory>
#include <string>

#include "contract/webhooks/hooks.hpp"
#include "contract/webhooks/server.hpp"

namespace crolang::webhooks {
namespace {

namespace pt = plugin::testing;
using pt::Expect;
using pt::ModuleContract;

/// Each module has a server of its own: yes to who has an e in what is asked about.
class OfHook final : public pt::Module {
 public:
  explicit OfHook(const Hook& hook)
      : hook_(hook),
        server_([](Peer& peer, const Request& request) { return decide(peer, request); }),
        asked_(hook, url_of(server_)) {}
  const void* table() const override { return asked_.running().table<void>(hook_.kind); }
  void* self() const override { return asked_.running().self(); }
  void stop() override { asked_.running().stop(); }
  void on_control(std::function<void()> function) override {
    asked_.running().host().on_control(std::move(function));
  }

 private:
  static After decide(Peer& peer, const Request& request) {
    const auto asks_for = [&](const char* words) {
      return request.body.find(words) != std::string::npos;
    };
    if (asks_for("broken")) return answer("{")(peer, request);
    const std::string yes = asks_for("mallory") ? "false" : "true";
    if (asks_for("connectedNodesIds")) {
      return answer(R"({"invalidNodesIds":["mallory"]})")(peer, request);
    }
    return answer(R"({"authenticated":)" + yes + R"(,"authorized":)" + yes +
                  R"(,"iceServers":[{"urls":"stun:x"}]})")(peer, request);
  }

  const Hook& hook_;
  Server server_;
  mutable Asked asked_;
};

pt::MakeModule module_of(const std::string& name) {
  return [name] { return std::make_unique<OfHook>(hook(name)); };
}

INSTANTIATE_TEST_SUITE_P(
    Webhooks, ModuleContract,
    ::testing::Values(
        pt::ModuleCase{"Auth",
                       module_of("auth"),
                       {pt::authenticate("alice", "{\"token\":1}", Expect::yes),
                        pt::authenticate("alice", std::nullopt, Expect::yes),
                        pt::authenticate("mallory", "", Expect::no),
                        pt::authenticate("broken", "", Expect::failure)}},
        pt::ModuleCase{
            "Rtc",
            module_of("rtc"),
            {pt::resolve("alice", R"([{"urls":"stun:x"}])"), pt::resolve("bob", "iceServers")}},
        pt::ModuleCase{"Authorize",
                       module_of("authorize"),
                       {pt::authorize("alice", "bob", Expect::yes),
                        pt::authorize("alice", "mallory", Expect::no),
                        pt::authorize("alice", "broken", Expect::failure)}},
        pt::ModuleCase{"Validity",
                       module_of("validity"),
                       {pt::check({}, {}), pt::check({"alice", "mallory"}, {true, false}),
                        pt::check({"mallory", "mallory", "bob"}, {false, false, true})}},
        pt::ModuleCase{"Message",
                       module_of("message"),
                       {pt::observe("alice", "bob", true), pt::observe("alice", "bob", false)}}),
    pt::case_name);

}  // namespace
}  // namespace crolang::webhooks
