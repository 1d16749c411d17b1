#include "redis_server.hpp"

#include <fcntl.h>
#include <hiredis.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>

extern char** environ;

namespace crolang::testing {
namespace {

struct Free {
  void operator()(redisContext* context) const { ::redisFree(context); }
  void operator()(redisReply* reply) const { ::freeReplyObject(reply); }
};

std::string to_text(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
  if (reply.type == REDIS_REPLY_NIL) return "(nil)";
  if (reply.type != REDIS_REPLY_ARRAY) return {reply.str, reply.len};
  std::string text;
  for (std::size_t i = 0; i < reply.elements; ++i) text += to_text(*reply.element[i]) + '\n';
  return text;
}

}  // namespace

bool eventually(const std::function<bool()>& so) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

RedisServer::RedisServer(const std::vector<std::string>& options) : options_(options) {
  std::string name = (std::filesystem::temp_directory_path() / "crolang-redis-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = name;
  socket_ = folder_ + "/redis.sock";
  start();
}

RedisServer::~RedisServer() {
  kill();
  std::filesystem::remove_all(folder_);
}

void RedisServer::start() {
  const std::string log = folder_ + "/log";
  // It ends with the test, also if that crashes, and holds nothing open that others read to its
  // end.
  std::vector<std::string> words{
      "setpriv", "--pdeathsig", "KILL", "redis-server", "--port", "0",         "--unixsocket",
      socket_,   "--save",      "",     "--dir",        folder_,  "--logfile", log};
  words.insert(words.end(), options_.begin(), options_.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&files, descriptor, "/dev/null", O_WRONLY, 0);
  }
  const int failure =
      ::posix_spawnp(&pid_, arguments[0], &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failure != 0) throw std::system_error(failure, std::generic_category(), arguments[0]);
  const auto ended = [this] { return ::waitpid(pid_, nullptr, WNOHANG) == pid_; };
  if (eventually([&] { return !command({"PING"}).empty() || ended(); }) &&
      !command({"PING"}).empty()) {
    return;
  }
  std::ifstream file(log);
  if (!file) throw std::runtime_error("redis-server is not installed: scripts/setup test does so");
  throw std::runtime_error("redis-server does not answer: " +
                           std::string(std::istreambuf_iterator<char>(file), {}));
}

void RedisServer::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::pause() const {
  ::kill(pid_, SIGSTOP);
}

void RedisServer::resume() const {
  ::kill(pid_, SIGCONT);
}

std::string RedisServer::command(const std::vector<std::string>& words) const {
  const std::unique_ptr<redisContext, Free> context(::redisConnectUnix(socket_.c_str()));
  if (!context || context->err != 0) return {};
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  const std::unique_ptr<redisReply, Free> reply(static_cast<redisReply*>(::redisCommandArgv(
      context.get(), static_cast<int>(texts.size()), texts.data(), sizes.data())));
  return reply ? to_text(*reply) : std::string();
}

void RedisServer::wait_until_settled() const {
  constexpr std::string_view kUptime = "uptime_in_seconds:";
  eventually([&] {
    const std::string info = command({"INFO", "server"});
    const std::size_t at = info.find(kUptime);
    return at != std::string::npos && std::atoi(info.c_str() + at + kUptime.size()) >= 3;
  });
}

RedisServer& shared_redis() {
  static RedisServer server;
  static const bool settled = (server.wait_until_settled(), true);
  static_cast<void>(settled);
  return server;
}

}  // namespace crolang::testing
