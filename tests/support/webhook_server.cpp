/// webhook_server PORT: an HTTP/1.1 server on 127.0.0.1 that says yes to every question a broker
/// asks, for benchmarks. One thread, epoll, kept-alive connections, no parsing beyond where a
/// request ends, so that it is not what is measured.
///
/// Answers by path: /auth, /rtc, /validity, /message; any other path is authorized. Requests need a
/// Content-Length. Errors: a connection that says anything else is answered once and closed; one
/// that does not read its answers is closed.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>

namespace {

constexpr std::size_t kMaxRequest = 4 * 1024 * 1024;
constexpr std::string_view kRefusal =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

std::string response_with(std::string_view json) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(json.size()) + "\r\n\r\n" + std::string(json);
}

std::string_view response_to(std::string_view path) {
  static const std::string authenticated = response_with(R"({"authenticated":true})");
  static const std::string configuration =
      response_with(R"({"iceServers":[{"urls":["stun:127.0.0.1:3478"]}]})");
  static const std::string all_valid = response_with(R"({"invalidNodesIds":[]})");
  static const std::string noted = response_with("{}");
  static const std::string authorized = response_with(R"({"authorized":true})");
  if (path == "/auth") return authenticated;
  if (path == "/rtc") return configuration;
  if (path == "/validity") return all_valid;
  if (path == "/message") return noted;
  return authorized;
}

bool equal_ignoring_case(std::string_view a, std::string_view lower_case) {
  return std::ranges::equal(
      a, lower_case, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

/// Nothing: no valid Content-Length.
std::optional<std::size_t> content_length(std::string_view head) {
  constexpr std::string_view kName = "content-length:";
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    if (!equal_ignoring_case(line.substr(0, kName.size()), kName)) continue;
    line.remove_prefix(std::min(line.find_first_not_of(' ', kName.size()), line.size()));
    std::size_t length = 0;
    const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), length);
    if (error != std::errc{} || length > kMaxRequest) return std::nullopt;
    return length;
  }
  return std::nullopt;
}

struct Progress {
  std::size_t consumed = 0;
  bool valid = true;
};

/// Answers every request that `bytes` hold in full.
Progress answer_requests(std::string_view bytes, std::string& answers) {
  Progress progress;
  for (;;) {
    const std::string_view rest = bytes.substr(progress.consumed);
    const std::size_t head_end = rest.find("\r\n\r\n");
    if (head_end == std::string_view::npos) {
      progress.valid = rest.size() <= kMaxRequest;
      return progress;
    }
    const std::string_view head = rest.substr(0, head_end);
    const auto length = content_length(head);
    if (!head.starts_with("POST ") || !length) {
      progress.valid = false;
      return progress;
    }
    if (rest.size() < head_end + 4 + *length) return progress;
    const std::string_view target = head.substr(5, head.find(' ', 5) - 5);
    answers += response_to(target.substr(0, target.find('?')));
    progress.consumed += head_end + 4 + *length;
  }
}

class Server {
 public:
  explicit Server(std::uint16_t port)
      : listener_(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")),
        epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    checked(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    checked(::listen(listener_, SOMAXCONN), "listen");
    watch(listener_);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      if (ready < 0 && errno != EINTR) checked(ready, "epoll_wait");
      for (int i = 0; i < ready; ++i) {
        const int socket = events[static_cast<std::size_t>(i)].data.fd;
        socket == listener_ ? accept() : read(socket);
      }
    }
  }

 private:
  void watch(int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
  }

  void accept() {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(socket);
  }

  void read(int socket) {
    const ssize_t count = ::recv(socket, buffer_.data(), buffer_.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      end(socket);
      return;
    }
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(count));
    const auto unfinished = unfinished_.find(socket);
    if (unfinished != unfinished_.end()) bytes = unfinished->second.append(bytes);
    answers_.clear();
    const Progress progress = answer_requests(bytes, answers_);
    if (!progress.valid) answers_ += kRefusal;
    const bool taken =
        answers_.empty() || ::send(socket, answers_.data(), answers_.size(), MSG_NOSIGNAL) ==
                                static_cast<ssize_t>(answers_.size());
    if (!progress.valid || !taken) {
      end(socket);
    } else if (progress.consumed < bytes.size()) {
      unfinished_[socket] = std::string(bytes.substr(progress.consumed));
    } else if (unfinished != unfinished_.end()) {
      unfinished_.erase(unfinished);
    }
  }

  void end(int socket) {
    unfinished_.erase(socket);
    ::close(socket);
  }

  const int listener_;
  const int epoll_;
  std::array<char, 65'536> buffer_;
  std::unordered_map<int, std::string> unfinished_;  // by socket: requests that came in part
  std::string answers_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string_view text = argc == 2 ? argv[1] : "";
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || stop != text.data() + text.size() || port == 0) {
    std::fputs("usage: webhook_server PORT\n", stderr);
    return 2;
  }
  try {
    Server(port).run();
  } catch (const std::system_error& fault) {
    std::fprintf(stderr, "webhook_server: %s\n", fault.what());
    return 1;
  }
}
