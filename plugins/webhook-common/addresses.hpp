#pragma once
/// The addresses of a webhook's host. Looking a name up may take as long as it likes: it has a
/// thread of its own, and whoever waits may give up.
/// Threads: the loop's only. Errors: an empty list; find throws if there is no thread or no memory
/// for a look-up, and then the next one tries again.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace crolang::webhook_common {

class Addresses {
 public:
  using Endpoint = boost::asio::ip::tcp::endpoint;
  using List = std::vector<Endpoint>;

  /// A host that is an address is never looked up. The context is shared with look-ups that nobody
  /// waits for any more.
  Addresses(std::shared_ptr<boost::asio::io_context> context, const std::string& host,
            std::uint16_t port);
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;

  /// `found(list)` is called at once or later, and must not throw. One look-up serves all who wait.
  void find(std::function<void(const List&)> found);

  /// This one works: it comes first.
  void prefer(const Endpoint& address);
  /// None of them works: the next find looks the name up again.
  void forget();

 private:
  struct Waiting {
    std::vector<std::function<void(const List&)>> found;
  };

  void start_look_up();
  void finish_look_up(List found) noexcept;

  const std::shared_ptr<boost::asio::io_context> context_;
  const std::string host_;
  const std::uint16_t port_;
  bool fixed_ = false;  // the host is an address
  List list_;
  std::chrono::steady_clock::time_point found_at_{};
  std::shared_ptr<Waiting> waiting_;  // null: no look-up is under way
};

}  // namespace crolang::webhook_common
