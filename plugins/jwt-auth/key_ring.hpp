/// All keys that tokens may be signed with, from all sources. Errors: the constructor throws
/// std::runtime_error with a sentence that names the variable and shows no secret; later failures
/// are logged.
#pragma once

#include <crolang/plugin.hpp>
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

/// Validates each source independently, and that there is one. Reads the files.
void check(const KeySources& sources, const plugin::Findings& findings);

class KeyRing {
 public:
  using Snapshot = std::shared_ptr<const std::vector<Key>>;

  KeyRing(const KeySources& sources, Log log);

  bool has_files() const noexcept { return !files_.empty(); }

  /// Reads the files that have changed. Thread: as reload.
  void refresh();

  /// Replaces the keys by those of these sources, which are all read again. Throws as the
  /// constructor does, with nothing changed. Thread: one at a time.
  void reload(const KeySources& sources);

  /// Never empty. Thread: any.
  Snapshot keys() const;

 private:
  static Snapshot all_of(const std::vector<Key>& fixed, const std::vector<KeyFile>& files);
  void publish(Snapshot snapshot) noexcept;

  const Log log_;
  std::vector<Key> fixed_;
  std::vector<KeyFile> files_;
  bool unpublished_ = false;  // files_ has changes that keys_ does not
  mutable std::mutex mutex_;  // guards keys_
  Snapshot keys_;
};

}  // namespace crolang::jwt_auth
