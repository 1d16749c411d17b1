#include "support/names.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

namespace crolang::names {
namespace {

struct Name {
  std::vector<std::string> addresses;
  bool hangs = false;
  std::size_t lookups = 0;
};

std::mutex g_mutex;  // guards g_names
std::condition_variable g_changed;
std::map<std::string, Name>& all() {
  static std::map<std::string, Name> names;
  return names;
}

using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

Function real() {
  static const auto function = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return function;
}

/// The list that the caller will free as that of one lookup.
int list_of(const std::vector<std::string>& addresses, const char* service, const addrinfo* hints,
            addrinfo** found) {
  *found = nullptr;
  addrinfo digits = hints == nullptr ? addrinfo{} : *hints;
  digits.ai_flags |= AI_NUMERICHOST;
  for (const std::string& each : addresses) {
    addrinfo** end = found;
    while (*end != nullptr) end = &(*end)->ai_next;
    if (const int error = real()(each.c_str(), service, &digits, end); error != 0) return error;
  }
  return *found == nullptr ? EAI_AGAIN : 0;
}

}  // namespace

void set(const std::string& name, std::vector<std::string> addresses) {
  {
    const std::lock_guard lock(g_mutex);
    all()[name].addresses = std::move(addresses);
    all()[name].hangs = false;
  }
  g_changed.notify_all();
}

void hang(const std::string& name) {
  const std::lock_guard lock(g_mutex);
  all()[name].hangs = true;
}

std::size_t lookups(const std::string& name) {
  const std::lock_guard lock(g_mutex);
  return all()[name].lookups;
}

void forget_all() {
  {
    const std::lock_guard lock(g_mutex);
    all().clear();
  }
  g_changed.notify_all();
}

}  // namespace crolang::names

extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* node,
                                                                  const char* service,
                                                                  const addrinfo* hints,
                                                                  addrinfo** found) {
  namespace names = crolang::names;
  std::vector<std::string> addresses;
  {
    std::unique_lock lock(names::g_mutex);
    const std::string name = node == nullptr ? "" : node;
    if (!names::all().contains(name)) {
      lock.unlock();
      return names::real()(node, service, hints, found);
    }
    ++names::all()[name].lookups;
    names::g_changed.wait(lock, [&] {
      const auto known = names::all().find(name);
      return known == names::all().end() || !known->second.hangs;
    });
    if (const auto known = names::all().find(name); known != names::all().end()) {
      addresses = known->second.addresses;
    }
  }
  return names::list_of(addresses, service, hints, found);
}
