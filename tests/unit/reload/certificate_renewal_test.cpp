#include "reload/certificate_renewal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "support/captured_log.hpp"
#include "support/manual_executors.hpp"
#include "unit/reload/certificate_files.hpp"

namespace crolang::reload {
namespace {

using telemetry::Counter;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

class CertificateRenewalTest : public ::testing::Test {
 protected:
  void start(tls::WallTime until) {
    files_.renew("old", until);
    certificates_.use(certificates_.read(now_));
    renewal_.emplace(certificates_, control_, counters_, [this] { return now_; });
  }
  void start() { start(now_ + 90 * 24h); }

  /// The next look at the files.
  void look() { control_.pass(CertificateRenewal::kInterval); }

  std::uint64_t renewed() const { return counters_.value(Counter::certificates_renewed); }
  std::uint64_t not_renewed() const { return counters_.value(Counter::certificates_not_renewed); }

  tls::WallTime now_ = std::chrono::system_clock::now();
  support::CapturedLog log_{telemetry::log::Level::essentials};
  test::CertificateFiles files_;
  test::ManualControl control_;
  telemetry::SharedCounters counters_;
  Certificates certificates_{files_.names(), std::chrono::steady_clock::now()};
  std::optional<CertificateRenewal> renewal_;
};

TEST_F(CertificateRenewalTest, TakesNewFilesOnceTheyStayAsTheyAre) {
  start();
  look();
  files_.renew("new");
  look();
  EXPECT_EQ(certificates_.subjects(), "CN=old");
  look();
  EXPECT_EQ(certificates_.subjects(), "CN=new");
  look();
  EXPECT_EQ(renewed(), 1U);
  EXPECT_EQ(not_renewed(), 0U);
  EXPECT_THAT(log_.lines(),
              ElementsAre(AllOf(StartsWith("info certificate files reloaded "),
                                HasSubstr("subjects=\"CN=new\""), HasSubstr("valid_until=\"20"))));
}

TEST_F(CertificateRenewalTest, ReportsWhatCannotBeUsedOnce) {
  start();
  files_.mismatch();
  for (int i = 0; i < 5; ++i) look();
  EXPECT_EQ(certificates_.subjects(), "CN=old");
  EXPECT_EQ(not_renewed(), 1U);
  EXPECT_EQ(renewed(), 0U);
  EXPECT_THAT(
      log_.lines(),
      ElementsAre(
          AllOf(StartsWith("error "), HasSubstr("is not the key of TLS_CERT_FILE")),
          "error the certificate files cannot be used, the previous ones stay in use faults=1"));
}

TEST_F(CertificateRenewalTest, TakesFilesThatHaveBeenCorrected) {
  start();
  files_.mismatch();
  for (int i = 0; i < 3; ++i) look();
  files_.renew("new");
  look();
  look();
  EXPECT_EQ(certificates_.subjects(), "CN=new");
  EXPECT_EQ(not_renewed(), 1U);
  EXPECT_EQ(renewed(), 1U);
}

TEST_F(CertificateRenewalTest, TriesAgainLaterWhatCouldNotBeUsed) {
  start();
  files_.renew_from("new", now_ + 8 * 60s);
  look();
  look();
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("is not valid before"),
                                        HasSubstr("the previous ones stay in use")));
  now_ += CertificateRenewal::kRetry;
  look();
  look();
  EXPECT_EQ(not_renewed(), 2U);
  EXPECT_THAT(log_.lines(), IsEmpty()) << "the same fault is reported once";

  now_ += CertificateRenewal::kRetry;
  look();
  EXPECT_EQ(certificates_.subjects(), "CN=new");
  EXPECT_EQ(renewed(), 1U);
}

TEST_F(CertificateRenewalTest, LooksAgainSoonOnceTheFilesHaveChanged) {
  start();
  look();
  control_.pass(CertificateRenewal::kSettling);
  files_.renew("new");
  look();
  control_.pass(CertificateRenewal::kSettling);
  EXPECT_EQ(certificates_.subjects(), "CN=new");
  EXPECT_EQ(control_.timers(), 1U);
}

TEST_F(CertificateRenewalTest, ReadsTheFilesAtOnceWhenAsked) {
  start();
  files_.renew("new");
  renewal_->use(renewal_->read());
  EXPECT_EQ(certificates_.subjects(), "CN=new");
  look();
  look();
  EXPECT_EQ(renewed(), 1U);
}

TEST_F(CertificateRenewalTest, CountsWhatCannotBeUsedWhenAsked) {
  start();
  files_.mismatch();
  EXPECT_THAT(renewal_->read().files.faults, ElementsAre(HasSubstr("is not the key of")));
  look();
  look();
  EXPECT_EQ(not_renewed(), 1U);
  EXPECT_EQ(renewed(), 0U);
}

TEST_F(CertificateRenewalTest, WarnsOnceADayFrom14DaysBeforeTheEnd) {
  const tls::WallTime end = now_ + 15 * 24h;
  start(end);
  for (const auto& left :
       {14 * 24h + 1h, 14 * 24h - 1h, 14 * 24h - 2h, 13 * 24h - 2h, 13 * 24h - 3h}) {
    now_ = end - left;
    look();
  }
  EXPECT_THAT(log_.lines(), ElementsAre(AllOf(StartsWith("warning "), HasSubstr("in 13 days")),
                                        AllOf(StartsWith("warning "), HasSubstr("in 12 days"))));
}

TEST_F(CertificateRenewalTest, ReportsAnErrorAsSoonAsOneHasExpired) {
  const tls::WallTime end = now_ + 1h;
  start(end);
  now_ = end - std::chrono::minutes(1);
  look();
  now_ = end + std::chrono::minutes(1);
  look();
  look();
  EXPECT_THAT(log_.lines(), ElementsAre(AllOf(StartsWith("error "), HasSubstr("has expired on"))));
}

TEST_F(CertificateRenewalTest, WarnsOfNewFilesThatExpireSoonAndThenADayLater) {
  start();
  files_.renew("new", now_ + 5 * 24h + 1h);
  look();
  look();
  look();
  now_ += 24h;
  look();
  EXPECT_THAT(log_.lines(), ElementsAre(AllOf(StartsWith("warning "), HasSubstr("in 5 days")),
                                        StartsWith("info certificate files reloaded "),
                                        AllOf(StartsWith("warning "), HasSubstr("in 4 days"))));
}

TEST_F(CertificateRenewalTest, LooksNoMoreOnceItIsGone) {
  start();
  EXPECT_EQ(control_.timers(), 1U);
  renewal_.reset();
  EXPECT_EQ(control_.timers(), 0U);
}

}  // namespace
}  // namespace crolang::reload
