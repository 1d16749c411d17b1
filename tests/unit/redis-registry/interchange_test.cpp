#include "redis-registry/interchange.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace crolang::redis_registry {
namespace {

std::string batch_of(const auto&... records) {
  std::string batch;
  append_head(batch, "here");
  (append(batch, records), ...);
  return batch;
}

template <class Expected>
Expected only_record(const std::string& batch) {
  BatchReader reader(batch);
  const auto record = reader.next();
  EXPECT_TRUE(record && std::holds_alternative<Expected>(*record));
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.damaged());
  return record ? std::get<Expected>(*record) : Expected{};
}

TEST(Interchange, NamesItsSender) {
  EXPECT_EQ(BatchReader(batch_of()).sender(), "here");
}

TEST(Interchange, HasNoRecordsInAHeartbeat) {
  const std::string heartbeat = batch_of();
  BatchReader reader(heartbeat);
  EXPECT_TRUE(reader.has_head());
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.damaged());
}

TEST(Interchange, CarriesAMessage) {
  const std::string body = std::string("42[\"X\",\"\0\"]", 11) + std::string(100'000, 'y');
  const std::string batch = batch_of(MessageRecord{1, ~std::uint64_t{0}, "bób", body});
  const auto message = only_record<MessageRecord>(batch);
  EXPECT_EQ(message.request, 1u);
  EXPECT_EQ(message.token, ~std::uint64_t{0});
  EXPECT_EQ(message.id, "bób");
  EXPECT_EQ(message.body, body);
}

TEST(Interchange, CarriesAReply) {
  const auto reply = only_record<ReplyRecord>(batch_of(ReplyRecord{7, Outcome::could_not}));
  EXPECT_EQ(reply.request, 7u);
  EXPECT_EQ(reply.outcome, Outcome::could_not);
}

TEST(Interchange, ReadsATimeOutOfAProbeWithinBounds) {
  for (const auto& [written, read] : {std::pair{0u, kShortestProbeMs},
                                      {1u, kShortestProbeMs},
                                      {4'294'967'295u, kLongestProbeMs}}) {
    EXPECT_EQ(only_record<ProbeRecord>(batch_of(ProbeRecord{8, 9, written, "bob"})).timeout_ms,
              read);
  }
}

TEST(Interchange, CarriesAProbe) {
  const std::string batch = batch_of(ProbeRecord{8, 9, 1500, "bob"});
  const auto probe = only_record<ProbeRecord>(batch);
  EXPECT_EQ(probe.request, 8u);
  EXPECT_EQ(probe.token, 9u);
  EXPECT_EQ(probe.timeout_ms, 1500u);
  EXPECT_EQ(probe.id, "bob");
}

TEST(Interchange, CarriesAVerdict) {
  const auto verdict = only_record<VerdictRecord>(batch_of(VerdictRecord{3, 2}));
  EXPECT_EQ(verdict.request, 3u);
  EXPECT_EQ(verdict.verdict, 2);
}

TEST(Interchange, KeepsTheOrderOfRecords) {
  const std::string batch = batch_of(ReplyRecord{1, Outcome::taken}, VerdictRecord{2, 0},
                                     MessageRecord{3, 4, "a", "b"}, ReplyRecord{5, Outcome::taken});
  BatchReader reader(batch);
  std::vector<std::uint64_t> requests;
  while (const auto record = reader.next()) {
    std::visit([&](const auto& each) { requests.push_back(each.request); }, *record);
  }
  EXPECT_THAT(requests, ::testing::ElementsAre(1, 2, 3, 5));
}

TEST(Interchange, IgnoresWhatHasNoHead) {
  for (const std::string& text : {std::string(), std::string("\x01"), std::string("{\"a\":1}"),
                                  std::string("\x01\x05"
                                              "abc"),
                                  std::string("\x01\x00", 2)}) {
    BatchReader reader(text);
    EXPECT_FALSE(reader.has_head());
    EXPECT_FALSE(reader.next());
  }
}

TEST(Interchange, IgnoresAnotherVersion) {
  std::string batch = batch_of(ReplyRecord{1, Outcome::taken});
  batch[0] = 2;
  BatchReader reader(batch);
  EXPECT_FALSE(reader.has_head());
  EXPECT_FALSE(reader.next());
}

TEST(Interchange, SeesDamageWhereverABatchIsCut) {
  const std::string head = batch_of();
  const std::string batch = batch_of(MessageRecord{1, 2, "bob", "body"});
  for (std::size_t size = head.size() + 1; size < batch.size(); ++size) {
    // In memory of its own, so that a sanitizer sees who reads on.
    const std::vector<char> cut(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(size));
    BatchReader reader({cut.data(), cut.size()});
    EXPECT_FALSE(reader.next()) << size;
    EXPECT_TRUE(reader.damaged()) << size;
  }
}

TEST(Interchange, SeesDamageInAnUnknownRecord) {
  const std::string batch = batch_of() + '\x09';
  BatchReader reader(batch);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.damaged());
}

TEST(Interchange, SeesDamageInAnUnknownVerdict) {
  const std::string batch = batch_of(VerdictRecord{1, 4});
  BatchReader reader(batch);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.damaged());
}

TEST(Interchange, SeesDamageInAnUnknownOutcome) {
  std::string batch = batch_of(ReplyRecord{1, Outcome::taken});
  batch.back() = 3;
  BatchReader reader(batch);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.damaged());
}

}  // namespace
}  // namespace crolang::redis_registry
