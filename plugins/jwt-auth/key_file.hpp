/// A file of keys, read again when it changes. Threads: one at a time. Errors: the constructor
/// throws std::runtime_error with a sentence that names variable and path; later failures are
/// logged and leave the keys unchanged.
#pragma once

#include <sys/stat.h>

#include <crolang/plugin.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "jwt-auth/key_formats.hpp"

namespace crolang::jwt_auth {

using Log = std::function<void(plugin::LogLevel, std::string_view)>;

class KeyFile {
 public:
  using Parse = std::variant<Keys, Fault> (*)(std::string_view text);

  KeyFile(std::string_view variable, std::string_view path, Parse parse, Log log);

  const std::vector<Key>& keys() const noexcept { return keys_; }

  /// Cheap while the file is unchanged. True: the keys have changed.
  bool refresh();

 private:
  struct Stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    timespec changed;
    timespec modified;
  };
  struct Content {
    std::string text;
    Stamp stamp;
  };

  static Stamp stamp_of(const struct stat& facts);
  static bool same(const Stamp& a, const Stamp& b);
  std::variant<Content, Fault> read() const;
  std::variant<Keys, Fault> load();
  bool is_unchanged() const;
  void take(Keys keys);

  std::string name_;  // variable and path, for messages
  std::string path_;
  Parse parse_;
  Log log_;
  std::vector<Key> keys_;
  Stamp stamp_{};
  std::string last_fault_;  // the last fault logged; empty: the file is valid
};

}  // namespace crolang::jwt_auth
