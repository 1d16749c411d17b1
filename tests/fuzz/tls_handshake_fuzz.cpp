// A handshake that an input disturbs: bytes of a real client are passed on in pieces, changed, left
// out, preceded by others, or replaced. Whatever comes, the handshake neither crashes nor grows
// beyond its bounds, and it is done only if both ends understand each other; what was only divided
// is done.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "unit/tls/handshake_ends.hpp"

namespace {

using namespace crolang::tls;
using namespace crolang::tls::testing;
using State = Handshake::State;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Reads the input from its front; zeros behind its end.
class Input {
 public:
  explicit Input(std::string_view bytes) : left_(bytes) {}

  bool empty() const { return left_.empty(); }
  std::uint8_t byte() {
    const auto text = take(1);
    return text.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(text[0]);
  }
  std::string_view take(std::size_t count) {
    const auto text = left_.substr(0, count);
    left_.remove_prefix(text.size());
    return text;
  }

 private:
  std::string_view left_;
};

struct Certificates {
  Issued root = self_signed(authority("Root"));
  Issued server = issue({}, root);
  Issued client = issue({.role = Profile::Role::client}, root);
};

const Certificates& certificates() {
  static const Certificates made;
  return made;
}

/// Of each combination of options, made once.
std::shared_ptr<const ServerContext> server(std::uint8_t options) {
  static std::array<std::shared_ptr<const ServerContext>, 8> made;
  auto& context = made[options & 7];
  if (context == nullptr) {
    context =
        make_server({.certificates = {&certificates().server},
                     .client_authority = (options & 1) != 0 ? &certificates().root : nullptr,
                     .options = {.minimum_version = (options & 2) != 0 ? MinimumVersion::tls13
                                                                       : MinimumVersion::tls12,
                                 .record_layer = (options & 4) != 0 ? RecordLayerChoice::openssl
                                                                    : RecordLayerChoice::compact}});
  }
  return context;
}

class Disturbed {
 public:
  explicit Disturbed(Input input)
      : input_(input),
        options_(input_.byte()),
        kind_(input_.byte() % 3),
        client_({.version = kind_ == 0 ? TLS1_2_VERSION : TLS1_3_VERSION,
                 .certificate = &certificates().client,
                 .server_name = "example.org",
                 // The first is unknown to the server, so it asks to retry.
                 .groups = kind_ == 2 ? "P-521:P-384:P-256" : nullptr}),
        server_(server(options_)) {}

  void run() {
    pending_ = client_.handshake("");
    while (!input_.empty() && server_.state == State::needs_more) step();
    for (int i = 0; i < 8 && server_.state == State::needs_more; ++i) deliver(pending_.size());
    check();
  }

 private:
  void step() {
    const std::uint8_t operation = input_.byte();
    const std::size_t number = input_.byte();
    switch (operation % 6) {  // no enum: of the input
      case 0:
        deliver(number);
        break;
      case 1:
        deliver(pending_.size());
        break;
      case 2:
        if (pending_.empty()) break;
        pending_[number % pending_.size()] ^= static_cast<char>(input_.byte() | 1);
        whole_ = false;
        break;
      case 3:
        pending_.insert(0, input_.take(number));
        whole_ = false;
        break;
      case 4:
        pending_.erase(0, number);
        whole_ = false;
        break;
      case 5:
        pending_ = input_.take(number);
        whole_ = false;
        break;
    }
  }

  void deliver(std::size_t count) {
    count = std::min(count, pending_.size());
    const std::string answer = server_.receive(std::string_view(pending_).substr(0, count));
    pending_.erase(0, count);
    if (!answer.empty()) pending_ += client_.handshake(answer);
  }

  void check() {
    if (server_.state == State::failed) {
      require(!server_.failure().sentence.empty());
      const bool old = kind_ == 0 && (options_ & 2) != 0;
      require(!whole_ || old);
    }
    if (server_.state == State::done) {
      require(((options_ & 1) != 0) == !server_.facts.client_subject.empty());
      require(server_.is_compact() == (kind_ != 0 && (options_ & 4) == 0));
    }
    if (!whole_) return;
    require(server_.state != State::needs_more);
    if (server_.state == State::done) converse();
  }

  void converse() {
    require(client_.is_done());
    server_.receive(client_.send("from the client"));
    require(server_.plaintext == "from the client");
    require(client_.receive(server_.send("from the server")) == "from the server");
  }

  Input input_;
  std::uint8_t options_;
  int kind_;
  Client client_;
  Server server_;
  std::string pending_;  // what the client has sent and the server not received
  bool whole_ = true;    // nothing was changed
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Input input({reinterpret_cast<const char*>(data), size});
  Disturbed(input).run();
  return 0;
}
