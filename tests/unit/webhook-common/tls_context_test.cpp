#include "webhook-common/tls_context.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace crolang::webhook_common {
namespace {

std::string refusal(Url::Scheme scheme, const std::string& file) {
  try {
    make_tls_context(scheme, file);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ATlsContext, IsOfHttpsOnly) {
  EXPECT_EQ(make_tls_context(Url::Scheme::http, ""), nullptr);
  EXPECT_NE(make_tls_context(Url::Scheme::https, ""), nullptr);
}

TEST(ATlsContext, NeedsCertificatesInTheFileWhateverTheScheme) {
  const std::string folder = ::testing::TempDir();
  const std::string empty = folder + "crolang_tls_context_test.pem";
  std::ofstream(empty).close();
  for (const auto scheme : {Url::Scheme::http, Url::Scheme::https}) {
    EXPECT_EQ(refusal(scheme, "/no/such/file"),
              "WEBHOOK_CA_FILE=/no/such/file: cannot be read: No such file or directory");
    EXPECT_EQ(refusal(scheme, "/"), "WEBHOOK_CA_FILE=/: is a folder, not a file");
    EXPECT_EQ(refusal(scheme, "/dev/null"), "WEBHOOK_CA_FILE=/dev/null: is not a file");
    EXPECT_EQ(refusal(scheme, empty), "WEBHOOK_CA_FILE=" + empty + ": holds no certificate in PEM");
  }
  std::filesystem::remove(empty);
}

}  // namespace
}  // namespace crolang::webhook_common
