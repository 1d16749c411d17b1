#pragma once
/// Debian's redis-server for tests, on a unix socket in a folder of its own.

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace crolang::testing {

/// Asks every 10 ms until it is so. False: not within 20 s.
bool eventually(const std::function<bool()>& so);

class RedisServer {
 public:
  /// Returns once it answers. Throws std::runtime_error with its log if it does not.
  explicit RedisServer(const std::vector<std::string>& options = {});
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer();

  const std::string& socket() const { return socket_; }
  std::string url() const { return "unix://" + socket_; }

  /// Its answer as text, an error's text included.
  std::string command(const std::vector<std::string>& words) const;

  void kill();
  /// Empty, and under the same name.
  void start();
  /// Until it has run so long that the plugin does not take it for restarted.
  void wait_until_settled() const;
  void pause() const;
  void resume() const;

 private:
  const std::vector<std::string> options_;
  std::string folder_;
  std::string socket_;
  pid_t pid_ = -1;
};

/// One for all tests of a program, settled.
RedisServer& shared_redis();

}  // namespace crolang::testing
