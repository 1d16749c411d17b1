/// The broker's log: one line per event, to standard output, written by a thread of its own.
///
///   log::info("listening", {{"port", port}});
///   if (log::enabled(log::Level::relays)) log::relay("relayed", {{"from", from}, {"to", to},
///   {"bytes", size}});
///
/// Never log secrets, authentication data or the content of messages: nothing here can recognise
/// them, so the caller has to leave them out. Ids and other untrusted values are fine, they are
/// escaped and truncated.
///
/// Threads: every function from any thread. A line costs its formatting and one short lock; a
/// reader that has stopped reading standard output never blocks a caller: the oldest waiting lines
/// are dropped and counted, and the log says how many. So are lines for which there is no memory.
/// Errors: none reach the caller, but start throws std::system_error if there is no thread. Before
/// start and after stop lines are written at once, or dropped if that would block.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "telemetry/log_line.hpp"

namespace crolang::telemetry::log {

/// The values of LOG_LEVEL.
enum class Level : int {
  essentials = 0,  ///< start, stop, faults, and what operators do
  connections = 1,
  relays = 2,
  everything = 3,
};

struct Options {
  Level level = Level::essentials;
  Format format = Format::text;
  int descriptor = 1;  ///< standard output; stays open, tests give a pipe
};

void start(const Options& options);

/// Writes the waiting lines, for at most `timeout` if standard output blocks, and ends the thread.
/// Call it before every exit, `_exit` included.
void stop(std::chrono::milliseconds timeout = std::chrono::seconds(1));

/// Lines dropped since start because standard output was not read, or for lack of memory.
std::uint64_t dropped();

namespace detail {
inline std::atomic<int> g_level{static_cast<int>(Level::essentials)};
void write(std::string_view level, std::string_view message, Fields fields) noexcept;
}  // namespace detail

/// Takes effect from the next line on. The log must have been started.
inline void set_level(Level level) {
  detail::g_level.store(static_cast<int>(level), std::memory_order_relaxed);
}

/// Hot: check it before building anything costly. One relaxed load.
inline bool enabled(Level level) {
  return static_cast<int>(level) <= detail::g_level.load(std::memory_order_relaxed);
}

/// Something is broken and an operator should look; see Throttle for faults that can repeat.
inline void error(std::string_view message, Fields fields = {}) {
  detail::write("error", message, fields);
}
inline void warning(std::string_view message, Fields fields = {}) {
  detail::write("warning", message, fields);
}
/// Start and stop, and what operators have the broker do.
inline void info(std::string_view message, Fields fields = {}) {
  detail::write("info", message, fields);
}
inline void connection(std::string_view message, Fields fields = {}) {
  if (enabled(Level::connections)) detail::write("connection", message, fields);
}
inline void relay(std::string_view message, Fields fields = {}) {
  if (enabled(Level::relays)) detail::write("relay", message, fields);
}
inline void debug(std::string_view message, Fields fields = {}) {
  if (enabled(Level::everything)) detail::write("debug", message, fields);
}

}  // namespace crolang::telemetry::log
