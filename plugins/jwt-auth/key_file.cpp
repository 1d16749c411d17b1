#include "jwt-auth/key_file.hpp"

#include <crolang/small_file.hpp>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace crolang::jwt_auth {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;

Fault fault_of(const FileFault& fault) {
  switch (fault.kind) {
    case FileFault::Kind::unreadable:
      break;
    case FileFault::Kind::not_regular:
      return {"is not a file"};
    case FileFault::Kind::too_large:
      return {"is larger than 1 MiB"};
  }
  return {"cannot be read: " + std::generic_category().message(fault.error)};
}

/// The fault of a value that is not a file name. The value is not shown, since it may contain a
/// private key.
std::string_view why_no_name(std::string_view path) {
  if (path.find("-----BEGIN") != std::string_view::npos || path.starts_with('{'))
    return "holds a key itself: it must be the name of a file with the key";
  if (path.starts_with("http://") || path.starts_with("https://"))
    return "is a URL: it must be the name of a file; download the keys into one";
  return {};
}

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

KeyFile::KeyFile(std::string_view variable, std::string_view path, Parse parse, Log log)
    : name_(std::string(variable) + " '" + std::string(path) + "' "),
      path_(path),
      parse_(parse),
      log_(std::move(log)) {
  if (const auto why = why_no_name(path); !why.empty())
    throw std::runtime_error(std::string(variable).append(" ").append(why));
  auto loaded = load();
  if (const auto* fault = std::get_if<Fault>(&loaded))
    throw std::runtime_error(name_ + fault->text);
  take(std::get<Keys>(std::move(loaded)));
}

bool KeyFile::refresh() {
  // An invalid file is read each time: it may be half of a valid one, written within one tick of
  // the file system's clock.
  if (last_fault_.empty() && is_unchanged()) return false;
  auto loaded = load();
  if (auto* fault = std::get_if<Fault>(&loaded)) {
    if (fault->text != last_fault_) {
      log_(plugin::LogLevel::warn, name_ + fault->text + "; the keys read before stay in use");
      last_fault_ = std::move(fault->text);
    }
    return false;
  }
  last_fault_.clear();
  take(std::get<Keys>(std::move(loaded)));
  log_(plugin::LogLevel::info, name_ + "reloaded; usable keys: " + std::to_string(keys_.size()));
  return true;
}

KeyFile::Stamp KeyFile::stamp_of(const struct stat& facts) {
  return {facts.st_dev, facts.st_ino, facts.st_size, facts.st_ctim, facts.st_mtim};
}

bool KeyFile::same(const Stamp& a, const Stamp& b) {
  return a.device == b.device && a.inode == b.inode && a.size == b.size &&
         same_time(a.changed, b.changed) && same_time(a.modified, b.modified);
}

bool KeyFile::is_unchanged() const {
  struct stat facts {};
  return ::stat(path_.c_str(), &facts) == 0 && same(stamp_of(facts), stamp_);
}

std::variant<KeyFile::Content, Fault> KeyFile::read() const {
  auto read = read_small_file(path_, kMaxBytes);
  if (const auto* fault = std::get_if<FileFault>(&read)) return fault_of(*fault);
  auto& file = std::get<SmallFile>(read);
  return Content{std::move(file.content), stamp_of(file.facts)};
}

std::variant<Keys, Fault> KeyFile::load() {
  auto content = read();
  if (auto* fault = std::get_if<Fault>(&content)) return std::move(*fault);
  stamp_ = std::get<Content>(content).stamp;
  auto keys = parse_(std::get<Content>(content).text);
  if (auto* fault = std::get_if<Fault>(&keys)) return Fault{"cannot be used: " + fault->text};
  return keys;
}

void KeyFile::take(Keys keys) {
  for (const std::string& ignored : keys.ignored) {
    log_(plugin::LogLevel::warn, name_ + "ignored: " + ignored);
  }
  keys_ = std::move(keys.usable);
}

}  // namespace crolang::jwt_auth
