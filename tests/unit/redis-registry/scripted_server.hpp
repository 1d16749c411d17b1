#pragma once
/// A server on a port of its own, which a test lets answer. Threads: one.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "loopback_listener.hpp"

namespace crolang::redis_registry {

class ScriptedServer {
 public:
  ScriptedServer() = default;
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer() { hang_up(); }

  HostPort place() const { return listener_.place(); }
  bool is_called() const {
    pollfd entry{listener_.descriptor(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
  }
  /// What the client has said since the last time.
  std::string received() {
    if (connection_ < 0) connection_ = listener_.accept();
    std::array<char, 10'000> bytes{};
    const ssize_t size = ::recv(connection_, bytes.data(), bytes.size(), 0);
    return {bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
  }
  void say(std::string_view bytes) {
    ASSERT_EQ(::send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void hang_up() {
    if (connection_ >= 0) ::close(std::exchange(connection_, -1));
  }

 private:
  const LoopbackListener listener_;
  int connection_ = -1;
};

}  // namespace crolang::redis_registry
