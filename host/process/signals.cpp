#include "process/signals.hpp"

#include <span>

namespace crolang::process {
namespace {

/// `how` is SIG_BLOCK or SIG_UNBLOCK.
template <std::size_t... counts>
void mask_signals(int how, const std::array<int, counts>&... signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const auto& each : {std::span<const int>(signals)...})
    for (const int signal : each) sigaddset(&set, signal);
  pthread_sigmask(how, &set, nullptr);
}

}  // namespace

void block_held_signals() {
  mask_signals(SIG_BLOCK, kHeldSignals);
}

void block_all_signals() {
  mask_signals(SIG_BLOCK, kHeldSignals, kEndingSignals);
}

void unblock_all_signals() {
  mask_signals(SIG_UNBLOCK, kHeldSignals, kEndingSignals);
}

}  // namespace crolang::process
