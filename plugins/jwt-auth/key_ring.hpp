/// All keys that tokens may be signed with, from wherever the operator keeps them. Errors: the
/// constructor throws std::runtime_error with a sentence that names the variable and shows no
/// secret; later trouble goes to the log.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "jwt-auth/key_file.hpp"

namespace crolang::jwt_auth {

/// The values of the plugin's variables; empty: not set.
struct KeySources {
  std::string_view secret;
  std::string_view public_key_file;
  std::string_view jwks_file;
};

class KeyRing {
 public:
  using Snapshot = std::shared_ptr<const std::vector<Key>>;

  KeyRing(const KeySources& sources, const Log& log);

  bool has_files() const noexcept { return !files_.empty(); }

  /// Reads what has changed. Thread: one at a time.
  void refresh();

  /// Never empty. Thread: any.
  Snapshot keys() const;

 private:
  void publish();

  std::vector<Key> fixed_;
  std::vector<KeyFile> files_;
  bool unpublished_ = false;  // something in files_ is
  mutable std::mutex mutex_;  // guards keys_
  Snapshot keys_;
};

}  // namespace crolang::jwt_auth
