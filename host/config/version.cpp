#include "config/version.hpp"

namespace crolang::config {

std::string_view version() {
  return CROLANG_VERSION;
}

}  // namespace crolang::config
