#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "modules/builtin/builtin.hpp"

namespace crolang::modules::builtin {
namespace {

constexpr crolang_str kNoError{nullptr, 0};

// Two servers, since more of them slow down a node's discovery. No iceCandidatePoolSize: with a
// value above 0 some stacks refuse to create a connection at all.
constexpr std::string_view kGoogleStun =
    R"({"iceServers":[{"urls":["stun:stun.l.google.com:19302"]},)"
    R"({"urls":["stun:stun1.l.google.com:19302"]}],)"
    R"("iceTransportPolicy":"all","bundlePolicy":"max-bundle","rtcpMuxPolicy":"require"})";

void resolve(void*, crolang_str, std::uint32_t, crolang_text_fn answer, void* call) {
  answer(call, CROLANG_OK, {kGoogleStun.data(), kGoogleStun.size()}, kNoError);
}

void authenticate(void*, const crolang_connecting_node*, std::uint32_t,
                  crolang_authenticated_fn answer, void* call) {
  answer(call, CROLANG_OK, true, 0, kNoError);
}

void authorize(void*, crolang_str, crolang_str, std::uint32_t, crolang_yes_no_fn answer,
               void* call) {
  answer(call, CROLANG_OK, true, kNoError);
}

void check(void*, const crolang_str*, std::size_t count, std::uint32_t, crolang_flags_fn answer,
           void* call) {
  const std::unique_ptr<bool[]> flags(new (std::nothrow) bool[count]);
  if (!flags) {
    constexpr std::string_view kNoMemory = "out of memory";
    answer(call, CROLANG_UNAVAILABLE, nullptr, 0, {kNoMemory.data(), kNoMemory.size()});
    return;
  }
  for (std::size_t i = 0; i < count; ++i) flags[i] = true;
  answer(call, CROLANG_OK, flags.get(), count, kNoError);
}

constexpr crolang_rtc_config kGoogleStunServers{sizeof(crolang_rtc_config), &resolve};
constexpr crolang_authentication kEveryNode{sizeof(crolang_authentication), 0, &authenticate,
                                            nullptr};
constexpr crolang_authorization kEveryPair{sizeof(crolang_authorization), &authorize};
constexpr crolang_validity kAllValid{sizeof(crolang_validity), &check};

}  // namespace

ModuleTable built_ins(MemoryRegistry* memory) {
  return ModuleTable({{memory_registry_table(), memory},
                      {&kGoogleStunServers},
                      {&kEveryNode},
                      {&kEveryPair},
                      {&kAllValid},
                      {}});
}

}  // namespace crolang::modules::builtin
