#include "tls/server_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/tls/certificates.hpp"

namespace crolang::tls {
namespace {

using testing::authority;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Issued;
using testing::pem;
using testing::ScratchDirectory;
using testing::self_signed;
using std::chrono_literals::operator""h;

class ServerFilesTest : public ::testing::Test {
 protected:
  LoadedFiles load(const ServerFiles& files) { return load_files(files, tickets_, now_); }

  /// A certificate and its key under this name.
  ServerFiles write(const std::string& name, WallTime until) {
    const Issued issued = self_signed(
        {.common_name = name, .alternative_names = "DNS:" + name + ".example", .until = until});
    return {.certificate_files = directory_.write(name + ".pem", pem(issued.certificate)),
            .key_files = directory_.write(name + ".key", pem(issued.key))};
  }

  const WallTime now_ = std::chrono::system_clock::now();
  std::shared_ptr<TicketKeys> tickets_ =
      std::make_shared<TicketKeys>(std::chrono::steady_clock::now());
  ScratchDirectory directory_;
};

TEST_F(ServerFilesTest, AreNamedOneByOne) {
  const ServerFiles files{.certificate_files = "a.pem, b.pem",
                          .key_files = "a.key,b.key",
                          .client_authority_file = "ca.pem"};
  EXPECT_THAT(files.names(), ElementsAre("a.pem", "b.pem", "a.key", "b.key", "ca.pem"));
}

TEST_F(ServerFilesTest, MakeAContextWithTheEarliestEndOfValidity) {
  const ServerFiles a = write("a", now_ + 90 * 24h);
  const ServerFiles b = write("b", now_ + 40 * 24h);
  const LoadedFiles loaded =
      load({.certificate_files = a.certificate_files + "," + b.certificate_files,
            .key_files = a.key_files + "," + b.key_files,
            .options = {.minimum_version = MinimumVersion::tls13}});
  EXPECT_THAT(loaded.faults, IsEmpty());
  ASSERT_NE(loaded.context, nullptr);
  EXPECT_EQ(loaded.context->minimum_version(), MinimumVersion::tls13);
  EXPECT_EQ(loaded.context->end_of_validity(),
            std::chrono::floor<std::chrono::seconds>(now_ + 40 * 24h));
  EXPECT_EQ(loaded.pairs.size(), 2U);
}

TEST_F(ServerFilesTest, GiveTheFaultsOfAllFilesAtOnce) {
  const LoadedFiles loaded = load({.certificate_files = directory_.path("none.pem"),
                                   .key_files = directory_.path("none.key"),
                                   .client_authority_file = directory_.path("none.ca")});
  EXPECT_THAT(loaded.faults, ElementsAre(HasSubstr("TLS_CERT_FILE '"), HasSubstr("TLS_KEY_FILE '"),
                                         HasSubstr("TLS_CLIENT_CA_FILE '")));
  EXPECT_EQ(loaded.context, nullptr);
  EXPECT_THAT(loaded.pairs, IsEmpty());
}

TEST_F(ServerFilesTest, MakeNoContextWithoutTheClientsAuthority) {
  ServerFiles files = write("a", now_ + 90 * 24h);
  files.client_authority_file = directory_.write("ca.pem", "");
  EXPECT_THAT(load(files).faults, ElementsAre(HasSubstr("TLS_CLIENT_CA_FILE '")));
  EXPECT_EQ(load(files).context, nullptr);
  directory_.write("ca.pem", pem(self_signed(authority("Clients")).certificate));
  EXPECT_THAT(load(files).faults, IsEmpty());
  EXPECT_NE(load(files).context, nullptr);
}

TEST_F(ServerFilesTest, PassOnWarnings) {
  const Issued issued = self_signed({.alternative_names = ""});
  const LoadedFiles loaded =
      load({.certificate_files = directory_.write("a.pem", pem(issued.certificate)),
            .key_files = directory_.write("a.key", pem(issued.key))});
  EXPECT_THAT(loaded.warnings, ElementsAre(HasSubstr("has no subjectAltName")));
  EXPECT_NE(loaded.context, nullptr);
}

}  // namespace
}  // namespace crolang::tls
