#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "modules/builtin/builtin.hpp"

namespace crolang::modules::builtin {
namespace {

constexpr crolang_str kNoError{nullptr, 0};

// Two servers, since more of them slow a node's discovery down. No iceCandidatePoolSize: above 0
// some stacks refuse to make a connection at all.
constexpr std::string_view kGoogleStun =
    R"({"iceServers":[{"urls":["stun:stun.l.google.com:19302"]},)"
    R"({"urls":["stun:stun1.l.google.com:19302"]}],)"
    R"("iceTransportPolicy":"all","bundlePolicy":"max-bundle","rtcpMuxPolicy":"require"})";

void resolve(void*, crolang_str, std::uint32_t, crolang_text answer, void* op) {
  answer(op, CROLANG_OK, {kGoogleStun.data(), kGoogleStun.size()}, kNoError);
}

void authenticate(void*, crolang_str, crolang_str, crolang_str, crolang_str, std::uint32_t,
                  crolang_yes_no answer, void* op) {
  answer(op, CROLANG_OK, true, kNoError);
}

void authorize(void*, crolang_str, crolang_str, std::uint32_t, crolang_yes_no answer, void* op) {
  answer(op, CROLANG_OK, true, kNoError);
}

void check(void*, const crolang_str*, std::size_t count, std::uint32_t, crolang_flags answer,
           void* op) {
  const std::unique_ptr<bool[]> flags(new (std::nothrow) bool[count]);
  if (!flags) {
    constexpr std::string_view kNoMemory = "no memory left";
    answer(op, CROLANG_UNAVAILABLE, nullptr, 0, {kNoMemory.data(), kNoMemory.size()});
    return;
  }
  for (std::size_t i = 0; i < count; ++i) flags[i] = true;
  answer(op, CROLANG_OK, flags.get(), count, kNoError);
}

}  // namespace

const crolang_rtc_config* google_stun_table() noexcept {
  static constexpr crolang_rtc_config kTable{sizeof(crolang_rtc_config), &resolve};
  return &kTable;
}

const crolang_authentication* everybody_table() noexcept {
  static constexpr crolang_authentication kTable{sizeof(crolang_authentication), &authenticate};
  return &kTable;
}

const crolang_authorization* every_pair_table() noexcept {
  static constexpr crolang_authorization kTable{sizeof(crolang_authorization), &authorize};
  return &kTable;
}

const crolang_validity* all_valid_table() noexcept {
  static constexpr crolang_validity kTable{sizeof(crolang_validity), &check};
  return &kTable;
}

}  // namespace crolang::modules::builtin
