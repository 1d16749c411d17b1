#include "admin/assets.hpp"

#include <map>
#include <vector>

#include "admin/embedded_file.hpp"

const std::vector<crolang::EmbeddedFile>& crolang_embedded_admin();

namespace crolang::admin {
namespace {

std::string_view content_type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  if (name.ends_with(".json")) return "application/json";
  return "application/octet-stream";
}

}  // namespace

const Asset* find_asset(std::string_view name) {
  static const std::map<std::string_view, Asset> assets = [] {
    std::map<std::string_view, Asset> all;
    for (const EmbeddedFile& file : crolang_embedded_admin())
      all.emplace(file.name, Asset{content_type_of(file.name), file.content});
    return all;
  }();
  const auto found = assets.find(name);
  return found == assets.end() ? nullptr : &found->second;
}

}  // namespace crolang::admin
