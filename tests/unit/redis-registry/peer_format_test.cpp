#include "redis-registry/peer_format.hpp"

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
  EXPECT_FALSE(reader.is_malformed());
  return record ? std::get<Expected>(*record) : Expected{};
}

TEST(PeerFormat, NamesItsSender) {
  EXPECT_EQ(BatchReader(batch_of()).sender(), "here");
}

TEST(PeerFormat, HasANumber) {
  EXPECT_EQ(BatchReader(batch_of()).number(), 0u);
  std::string batch;
  append_head(batch, "here", ~std::uint64_t{0} - 1);
  const BatchReader reader(batch);
  EXPECT_TRUE(reader.has_head());
  EXPECT_EQ(reader.number(), ~std::uint64_t{0} - 1);
}

TEST(PeerFormat, HasNoRecordsInAHeartbeat) {
  const std::string heartbeat = batch_of();
  BatchReader reader(heartbeat);
  EXPECT_TRUE(reader.has_head());
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.is_malformed());
}

TEST(PeerFormat, CarriesAMessage) {
  const std::string body = std::string("42[\"X\",\"\0\"]", 11) + std::string(100'000, 'y');
  const std::string batch =
      batch_of(MessageRecord{1, {"bób", ~std::uint64_t{0}, ~std::uint64_t{1}, 12}, body});
  const auto message = only_record<MessageRecord>(batch);
  EXPECT_EQ(message.request, 1u);
  EXPECT_EQ(message.to.token, ~std::uint64_t{0});
  EXPECT_EQ(message.to.session, ~std::uint64_t{1});
  EXPECT_EQ(message.to.worker, 12u);
  EXPECT_EQ(message.to.id, "bób");
  EXPECT_EQ(message.body, body);
}

TEST(PeerFormat, CarriesAReply) {
  const auto reply = only_record<ReplyRecord>(batch_of(ReplyRecord{7, Outcome::cannot_accept}));
  EXPECT_EQ(reply.request, 7u);
  EXPECT_EQ(reply.outcome, Outcome::cannot_accept);
}

TEST(PeerFormat, ReadsATimeOutOfAProbeWithinBounds) {
  for (const auto& [written, read] : {std::pair{0u, kShortestProbeMs},
                                      {1u, kShortestProbeMs},
                                      {4'294'967'295u, kLongestProbeMs}}) {
    EXPECT_EQ(only_record<ProbeRecord>(batch_of(ProbeRecord{8, written, {"bob", 9}})).timeout_ms,
              read);
  }
}

TEST(PeerFormat, CarriesAProbe) {
  const std::string batch = batch_of(ProbeRecord{8, 1500, {"bob", 9, 90, 4}});
  const auto probe = only_record<ProbeRecord>(batch);
  EXPECT_EQ(probe.request, 8u);
  EXPECT_EQ(probe.incumbent.token, 9u);
  EXPECT_EQ(probe.incumbent.session, 90u);
  EXPECT_EQ(probe.incumbent.worker, 4u);
  EXPECT_EQ(probe.timeout_ms, 1500u);
  EXPECT_EQ(probe.incumbent.id, "bob");
}

TEST(PeerFormat, CarriesAProbeResult) {
  const auto result = only_record<ProbeResultRecord>(batch_of(ProbeResultRecord{3, 2}));
  EXPECT_EQ(result.request, 3u);
  EXPECT_EQ(result.result, 2);
}

TEST(PeerFormat, CarriesAQuestion) {
  const std::string body = std::string("\0\xff", 2) + std::string(CROLANG_MAX_ASK - 2, 'y');
  const std::string batch = batch_of(QuestionRecord{8, ~std::uint32_t{0}, body});
  const auto question = only_record<QuestionRecord>(batch);
  EXPECT_EQ(question.request, 8u);
  EXPECT_EQ(question.timeout_ms, ~std::uint32_t{0});
  EXPECT_EQ(question.body, body);
}

TEST(PeerFormat, CarriesAnAnswer) {
  for (const auto status : {plugin::Status::ok, plugin::Status::internal}) {
    const std::string batch = batch_of(AnswerRecord{8, status, "because"});
    const auto answer = only_record<AnswerRecord>(batch);
    EXPECT_EQ(answer.request, 8u);
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.text, "because");
  }
}

TEST(PeerFormat, SeesDamageInAQuestionOrAnAnswerThatIsTooLong) {
  const std::string too_long(CROLANG_MAX_ASK + 1, 'x');
  for (const std::string& batch : {batch_of(QuestionRecord{1, 1, too_long}),
                                   batch_of(AnswerRecord{1, plugin::Status::ok, too_long})}) {
    BatchReader reader(batch);
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.is_malformed());
  }
}

TEST(PeerFormat, SeesDamageInAnUnknownStatus) {
  const std::string batch = batch_of(AnswerRecord{1, static_cast<plugin::Status>(6), {}});
  BatchReader reader(batch);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.is_malformed());
}

TEST(PeerFormat, KeepsTheOrderOfRecords) {
  const std::string batch =
      batch_of(ReplyRecord{1, Outcome::taken}, ProbeResultRecord{2, 0},
               MessageRecord{3, {"a", 4}, "b"}, ReplyRecord{5, Outcome::taken});
  BatchReader reader(batch);
  std::vector<std::uint64_t> requests;
  while (const auto record = reader.next()) {
    std::visit([&](const auto& each) { requests.push_back(each.request); }, *record);
  }
  EXPECT_THAT(requests, ::testing::ElementsAre(1, 2, 3, 5));
}

TEST(PeerFormat, IgnoresWhatHasNoHead) {
  for (const std::string& text : {std::string(), std::string("\x01"), std::string("{\"a\":1}"),
                                  std::string("\x01\x05"
                                              "abc"),
                                  std::string("\x01\x00", 2)}) {
    BatchReader reader(text);
    EXPECT_FALSE(reader.has_head());
    EXPECT_FALSE(reader.next());
  }
}

TEST(PeerFormat, IgnoresAnotherVersion) {
  std::string batch = batch_of(ReplyRecord{1, Outcome::taken});
  batch[0] = 1;
  BatchReader reader(batch);
  EXPECT_FALSE(reader.has_head());
  EXPECT_FALSE(reader.next());
}

TEST(PeerFormat, SeesDamageWhereverABatchIsCut) {
  const std::string head = batch_of();
  for (const std::string& batch :
       {batch_of(MessageRecord{1, {"bob", 2}, "body"}), batch_of(ProbeRecord{1, 2, {"bob", 3}}),
        batch_of(QuestionRecord{1, 2, "body"}),
        batch_of(AnswerRecord{1, plugin::Status::ok, "body"})}) {
    for (std::size_t size = head.size() + 1; size < batch.size(); ++size) {
      // In memory of its own, so that a sanitizer sees who reads on.
      const std::vector<char> cut(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(size));
      BatchReader reader({cut.data(), cut.size()});
      EXPECT_FALSE(reader.next()) << size;
      EXPECT_TRUE(reader.is_malformed()) << size;
    }
  }
}

TEST(PeerFormat, SeesDamageInAnUnknownRecord) {
  const std::string batch = batch_of() + '\x09';
  BatchReader reader(batch);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.is_malformed());
}

TEST(PeerFormat, SeesDamageInAnUnknownProbeResult) {
  const std::string batch = batch_of(ProbeResultRecord{1, 4});
  BatchReader reader(batch);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.is_malformed());
}

TEST(PeerFormat, SeesDamageInAnUnknownOutcome) {
  std::string batch = batch_of(ReplyRecord{1, Outcome::taken});
  batch.back() = 3;
  BatchReader reader(batch);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.is_malformed());
}

}  // namespace
}  // namespace crolang::redis_registry
