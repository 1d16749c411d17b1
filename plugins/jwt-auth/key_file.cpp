#include "jwt-auth/key_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace crolang::jwt_auth {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;

Fault unreadable(int error) {
  return {"cannot be read: " + std::generic_category().message(error)};
}

/// What was given instead of a file's name; it is not repeated, since a private key may be among
/// it.
std::string_view why_no_name(std::string_view path) {
  if (path.find("-----BEGIN") != std::string_view::npos || path.starts_with('{'))
    return "holds a key itself: it is the name of a file that does";
  if (path.starts_with("http://") || path.starts_with("https://"))
    return "is a URL: it is the name of a file, so fetch that into one";
  return {};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const noexcept { return number_; }

 private:
  int number_;
};

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
  // A bad file is read each time: it may be half of a good one, written within one tick of the
  // file system's clock.
  if (trouble_.empty() && is_unchanged()) return false;
  auto loaded = load();
  if (auto* fault = std::get_if<Fault>(&loaded)) {
    if (fault->text != trouble_) {
      log_(plugin::LogLevel::warn, name_ + fault->text + "; the keys read before stay in use");
      trouble_ = std::move(fault->text);
    }
    return false;
  }
  trouble_.clear();
  take(std::get<Keys>(std::move(loaded)));
  log_(plugin::LogLevel::info,
       name_ + "was read again; usable keys: " + std::to_string(keys_.size()));
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
  // Not to wait for a writer of a pipe, should it be one.
  const Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat facts {};
  if (file.number() < 0 || ::fstat(file.number(), &facts) != 0) return unreadable(errno);
  if (!S_ISREG(facts.st_mode)) return Fault{"is not a file"};
  // The stamp is older than the content: what is written meanwhile is seen the next time.
  Content content{.text = {}, .stamp = stamp_of(facts)};
  content.text.resize(kMaxBytes + 1);
  std::size_t size = 0;
  while (size < content.text.size()) {
    const ssize_t got =
        ::read(file.number(), content.text.data() + size, content.text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxBytes) return Fault{"is larger than 1 MiB"};
  content.text.resize(size);
  return content;
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
