/// A file of keys, read again when it changes. Threads: one at a time. Errors: the constructor
/// throws std::runtime_error with a sentence that names variable and path; later trouble goes to
/// the log and leaves the keys as they were.
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

  /// Cheap while the file stays as it is. True: there are other keys now.
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

  std::string name_;  // variable and path, for sentences
  std::string path_;
  Parse parse_;
  Log log_;
  std::vector<Key> keys_;
  Stamp stamp_{};
  std::string trouble_;  // what was last logged; empty: the file is good
};

}  // namespace crolang::jwt_auth
