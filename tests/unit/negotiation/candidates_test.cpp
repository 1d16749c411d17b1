#include "negotiation/candidates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "json/scanner.hpp"

namespace crolang::negotiation {
namespace {

using ::testing::ElementsAre;

/// The raw JSON of a member `candidate` with this line.
std::string member(std::string_view line) {
  std::string json = R"({"sdp":)";
  json::append_quoted(json, line);
  return json + R"(,"sdpMid":"0","sdpMLineIndex":0})";
}

/// Of a member `sessionDescription`.
std::string description(std::string_view sdp) {
  std::string json = R"({"type":"offer","sdp":)";
  json::append_quoted(json, sdp);
  return json + "}";
}

Candidates counted(std::string_view json) {
  Candidates all;
  add_candidates(all, json);
  return all;
}

/// host, mdns, srflx, prflx, relay; udp, tcp.
std::vector<int> numbers(const Candidates& all) {
  std::vector<int> result;
  for (std::size_t i = 0; i < kCandidateTypes; ++i) {
    result.push_back(all.of(static_cast<CandidateType>(i)));
  }
  result.push_back(all.udp());
  result.push_back(all.tcp());
  return result;
}

std::vector<int> numbers_of(std::string_view line) {
  return numbers(counted(member(line)));
}

// What the stacks of tests/e2e/stacks send, addresses changed.
TEST(Candidates, OfEachStackAreRead) {
  // Chromium, with and without hidden addresses
  EXPECT_THAT(numbers_of("candidate:645241406 1 udp 2113937151 192.0.2.2 40266 typ host generation "
                         "0 ufrag 8CqW network-cost 999"),
              ElementsAre(1, 0, 0, 0, 0, 1, 0));
  EXPECT_THAT(
      numbers_of("candidate:2063346421 1 udp 2113937151 5e8b1c5e-2f0a-4a3c-9d8e-1c2d3e4f5a6b.local "
                 "53653 typ host generation 0 ufrag 8CqW network-cost 999"),
      ElementsAre(0, 1, 0, 0, 0, 1, 0));
  EXPECT_THAT(numbers_of("candidate:842163049 1 udp 1677729535 198.51.100.7 40266 typ srflx raddr "
                         "0.0.0.0 rport 0 generation 0 ufrag 8CqW network-cost 999"),
              ElementsAre(0, 0, 1, 0, 0, 1, 0));
  EXPECT_THAT(numbers_of("candidate:3745641921 1 tcp 1518283007 192.0.2.2 9 typ host tcptype "
                         "active generation 0 ufrag 8CqW network-id 1"),
              ElementsAre(1, 0, 0, 0, 0, 0, 1));
  // pion
  EXPECT_THAT(numbers_of("candidate:3932658255 1 udp 2130706431 2001:db8::1 39194 typ host ufrag "
                         "dVusKLHscyCmZLlT generation 0"),
              ElementsAre(1, 0, 0, 0, 0, 1, 0));
  EXPECT_THAT(numbers_of("candidate:2070692838 1 udp 16777215 127.0.0.1 53122 typ relay raddr "
                         "192.0.2.2 rport 40968 ufrag dVusKLHscyCmZLlT generation 0"),
              ElementsAre(0, 0, 0, 0, 1, 1, 0));
  // node-datachannel, behind a NAT
  EXPECT_THAT(numbers_of("a=candidate:1 1 UDP 2114977791 192.168.1.2 37892 typ host"),
              ElementsAre(1, 0, 0, 0, 0, 1, 0));
  EXPECT_THAT(numbers_of("a=candidate:2 1 UDP 1678769919 198.51.100.10 38379 typ srflx raddr "
                         "0.0.0.0 rport 0"),
              ElementsAre(0, 0, 1, 0, 0, 1, 0));
  // werift
  EXPECT_THAT(numbers_of("candidate:f0c61df57b654b7125d14184e 1 udp 2116026367 192.168.1.2 54905 "
                         "typ host generation 0 ufrag 5375"),
              ElementsAre(1, 0, 0, 0, 0, 1, 0));
  EXPECT_THAT(numbers_of("candidate:97bc5f5ca4db0cbe5623d884d 1 udp 1679818751 198.51.100.10 53772 "
                         "typ srflx raddr 192.168.1.2 rport 54905"),
              ElementsAre(0, 0, 1, 0, 0, 1, 0));
  // @roamhq/wrtc
  EXPECT_THAT(numbers_of("candidate:3753982748 1 tcp 1518280447 192.168.1.2 48189 typ host tcptype "
                         "passive generation 0 ufrag qJxx network-id 1"),
              ElementsAre(1, 0, 0, 0, 0, 0, 1));
}

TEST(Candidates, InADescriptionAreCounted) {
  // aiortc, which sends no others
  const std::string sdp =
      "v=0\r\no=- 3997 3997 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
      "a=msid-semantic:WMS *\r\nm=application 9 DTLS/SCTP 5000\r\nc=IN IP4 192.0.2.2\r\n"
      "a=mid:0\r\na=sctpmap:5000 webrtc-datachannel 65535\r\na=max-message-size:65536\r\n"
      "a=candidate:ca1f2f6ab84d8f6cdd9e1a9c1e0b2c7f 1 udp 2130706431 192.0.2.2 47222 typ host\r\n"
      "a=candidate:0bba3b5ac6d1b3a7d0f7c7d9f5e6b1aa 1 udp 1694498815 198.51.100.7 47222 typ srflx "
      "raddr 192.0.2.2 rport 47222\r\n"
      "a=candidate:8b1c5e2f0a4a3c9d8e1c2d3e4f5a6b00 1 udp 16777215 203.0.113.9 50123 typ relay "
      "raddr 198.51.100.7 rport 47222\r\n"
      "a=end-of-candidates\r\na=ice-ufrag:fNzC\r\na=ice-pwd:ZbvQtgvHUsTUNoXnZoAsrz\r\n";
  EXPECT_THAT(numbers(counted(description(sdp))), ElementsAre(1, 0, 1, 0, 1, 3, 0));
  // Line ends as other serializers write them.
  std::string json = description(sdp);
  for (std::size_t at = 0; (at = json.find(R"(\r\n)", at)) != std::string::npos;) {
    json.replace(at, 4, R"(\u000d\u000A)");
  }
  EXPECT_THAT(numbers(counted(json)), ElementsAre(1, 0, 1, 0, 1, 3, 0));
}

TEST(Candidates, WithEscapesInTheirFoundationAreRead) {
  EXPECT_THAT(numbers(counted(R"({"sdp":"candidate:a\/b\u002Bc 1 udp 1 192.0.2.2 9 typ relay"})")),
              ElementsAre(0, 0, 0, 0, 1, 1, 0));
}

/// Whether a line is read alike with one blank more, in front of its foundation. Blanks there are
/// none of a field, but with two the line is not read in one step.
void expect_same_with_one_blank_more(const std::string& rest) {
  const std::string line = "candidate:" + rest;
  EXPECT_EQ(read_candidate(line), read_candidate("candidate: " + rest)) << line;
}

// The shortest has 64 bytes: shorter ones are not read in one step.
constexpr std::string_view kUsualLines[] = {
    R"(645241406 1 udp 2113937151 192.0.2.2 40266 typ host generation 0 ufrag 8CqW"})",
    R"(842163049 1 udp 1677729535 198.51.100.7 40266 typ srflx raddr 192.0.2.2 rport 7 id 1"})",
    R"(8421 1 udp 16777295 198.51.100.7 4026 typ srflx raddr 0.0.0.0 rport 0 generation 0","x"})",
    R"(37456419211 1 tcp 1518283007 a-very-long-name.example 9 typ relay\r\na=end-of-candidates)",
};
constexpr std::string_view kSpliced[] = {" ",       R"(")",      R"(\)",  R"(\\)",
                                         R"(\r\n)", R"(\u000a)", R"(\/)", "x"};

TEST(Candidates, ReadInOneStepAreReadAlike) {
  for (const std::string_view line : kUsualLines) {
    ASSERT_GE(line.size(), 64U);
    expect_same_with_one_blank_more(std::string(line));
    for (std::size_t at = 0; at <= line.size(); ++at) {
      for (const std::string_view piece : kSpliced) {
        std::string longer(line);
        longer.insert(at, piece);
        expect_same_with_one_blank_more(longer);
        std::string changed(line);
        changed.replace(at, piece.size(), piece);
        expect_same_with_one_blank_more(changed);
        for (std::size_t second = at; second <= longer.size(); ++second) {
          std::string twice(longer);
          twice.insert(second, piece);
          expect_same_with_one_blank_more(twice);
        }
      }
    }
  }
}

// A run of blanks between any two fields, as long as a line's mask and longer.
TEST(Candidates, WithRunsOfBlanksAreRead) {
  const std::vector<std::string> fields = {"1", "1", "udp", "1", "192.0.2.2", "9", "typ", "srflx"};
  for (std::size_t wide = 0; wide < fields.size(); ++wide) {
    for (std::size_t blanks = 1; blanks < 140; ++blanks) {
      std::string line = "candidate:";
      for (std::size_t i = 0; i < fields.size(); ++i) {
        line.append(fields[i]).append(i == wide ? blanks : 1, ' ');
      }
      const auto candidate = read_candidate(line + "raddr 192.0.2.2 rport 7 generation 0");
      ASSERT_TRUE(candidate.has_value()) << line;
      EXPECT_EQ(candidate->type, CandidateType::srflx) << line;
      EXPECT_NE(candidate->base_hash, 0) << line;
    }
  }
}

TEST(Candidates, EndWhereTheNextBegins) {
  const auto hosts = [](std::string_view inside) {
    std::string json = R"({"a":0,"sdp":")";
    json.append(inside).append(R"("})");
    return counted(json).of(CandidateType::host);
  };
  EXPECT_EQ(hosts("candidate:1 1 udp 1 192.0.2.2 9 candidate:typ host"), 0);
  EXPECT_EQ(hosts("candidate:x candidate:1 1 udp 1 192.0.2.2 9 typ host"), 1);
  EXPECT_EQ(hosts("candidate:1 1 udp 1 192.0.2.2 9 typ hostcandidate:"), 1);
  EXPECT_EQ(hosts("candidate:1 1 udp 1 192.0.2.2 9 typ host candidate:2 1 udp 1 192.0.2.2 9 typ "
                  "host candidate:"),
            2);
  // Read in one step, if it were not for the next one within its 64 bytes.
  EXPECT_EQ(hosts("candidate:645241406 1 udp 2113937151 192.0.2.2 40266 typcandidate: host "
                  "generation 0 ufrag 8CqW"),
            0);
}

TEST(Candidates, AreOfOneFamily) {
  const auto is_ipv6 = [](std::string_view address) {
    std::string line = "candidate:1 1 udp 1 ";
    const auto candidate = read_candidate(line.append(address).append(" 9 typ host"));
    return candidate.has_value() && candidate->family == Candidate::Family::ipv6;
  };
  for (const std::string_view address : {"::1", "fe80::1", "2001:db8::1", "[2001:db8::1]"}) {
    EXPECT_TRUE(is_ipv6(address)) << address;
  }
  EXPECT_FALSE(is_ipv6("192.0.2.2"));
}

TEST(Candidates, AreSummarisedForAnotherInstance) {
  Candidates all;
  for (const std::string_view line :
       {"candidate:1 1 udp 1 8.8.8.8 9 typ host", "candidate:2 1 tcp 1 fe80::1 9 typ host",
        "candidate:3 1 udp 1 198.51.100.7 6000 typ srflx raddr 192.168.1.2 rport 5000",
        "candidate:4 1 udp 1 198.51.100.7 6001 typ srflx raddr 192.168.1.2 rport 5000",
        "candidate:5 1 udp 1 203.0.113.9 7000 typ relay"}) {
    all.add(read_candidate(line).value());
  }
  const CandidateSummary summary = all.summary();
  EXPECT_THAT(summary.types, ElementsAre(2, 0, 2, 0, 1));
  EXPECT_TRUE(summary.has_public_host && summary.ipv4 && summary.ipv6);
  EXPECT_TRUE(summary.behind_symmetric_nat);

  const Candidates again(summary);
  EXPECT_EQ(again.summary(), summary);
  EXPECT_EQ(numbers(again), numbers(all));
  EXPECT_TRUE(again.behind_symmetric_nat());
  EXPECT_TRUE(again.has_public_host());
  EXPECT_TRUE(Candidates(CandidateSummary{}).none());
}

TEST(Candidates, DoNotBeginInsideAnEscape) {
  const auto hosts = [](std::string_view before) {
    std::string json = R"({"sdp":")";
    json.append(before).append(R"(candidate:1 1 udp 1 192.0.2.2 9 typ host"})");
    return counted(json).of(CandidateType::host);
  };
  EXPECT_EQ(hosts(R"(\u001)"), 0);
  EXPECT_EQ(hosts(R"(\\\u001)"), 0);
  EXPECT_EQ(hosts(R"(\\u001)"), 1);
  EXPECT_EQ(hosts(R"(\u001candidate:)"), 1);
  EXPECT_EQ(hosts(R"(u001)"), 1);
}

TEST(Candidates, AreReadWithoutRegardToCase) {
  EXPECT_THAT(numbers_of("candidate:1 1 UDP 1 Abc.LOCAL 9 TYP Host"),
              ElementsAre(0, 1, 0, 0, 0, 1, 0));
}

TEST(Candidates, ThatAreNoneAreNotCounted) {
  for (const std::string_view line :
       {"", "candidate:", "candidate:1", "candidate:1 1 udp 1 192.0.2.2 9 typ",
        "candidate:1 1 udp 1 192.0.2.2 9 typ future", "candidate:1 1 udp 1 192.0.2.2 typ host",
        "candidate:1 1 sctp 1 192.0.2.2 9 typ host", "candidate:1 1 udp 1 192.0.2.2 9 type host",
        "candidates:1 1 udp 1 192.0.2.2 9 typ host", "candidate:1 1 udp 1\r\n192.0.2.2 9 typ host"})
    EXPECT_TRUE(counted(member(line)).none()) << line;
}

TEST(Candidates, EndWithTheirString) {
  EXPECT_TRUE(counted(R"({"sdp":"candidate:1 1 udp 1","x":" 192.0.2.2 9 typ host"})").none());
  EXPECT_TRUE(counted(R"("candidate:1 1 udp 1 a 9 typ ho)").none());
  EXPECT_TRUE(counted(R"("candidate:1 1 udp 1 a 9 typ host\)").of(CandidateType::host) == 1);
}

TEST(Candidates, OfOneMessageAreBounded) {
  std::string sdp;
  for (int i = 0; i < 1000; ++i) sdp += "a=candidate:1 1 udp 1 192.0.2.2 9 typ host\r\n";
  EXPECT_EQ(counted(description(sdp)).of(CandidateType::host), kMaxCandidatesPerMessage);
}

TEST(Candidates, AreCountedUpToTheMost) {
  Candidates one;
  Candidates all;
  for (int i = 0; i < 200; ++i) {
    add_candidates(one, member("candidate:1 1 tcp 1 192.0.2.2 9 typ host"));
  }
  for (int i = 0; i < 1000; ++i) all.add(one);
  EXPECT_EQ(all.of(CandidateType::host), 65535);
  EXPECT_EQ(all.tcp(), 65535);
}

TEST(Candidates, SayWhetherAnAddressIsOfTheInternet) {
  const auto is_public = [](std::string_view address) {
    std::string line = "candidate:1 1 udp 1 ";
    return counted(member(line.append(address).append(" 9 typ host"))).has_public_host();
  };
  for (const std::string_view address :
       {"8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "192.0.3.1", "198.20.0.1"})
    EXPECT_TRUE(is_public(address)) << address;
  for (const std::string_view address :
       {"10.1.2.3",    "127.0.0.1",  "172.16.0.1", "172.31.255.255",  "192.168.1.1",
        "169.254.1.1", "100.64.0.1", "192.0.2.2",  "198.51.100.7",    "203.0.113.9",
        "198.19.0.1",  "0.0.0.0",    "239.1.1.1",  "8.8.8",           "8.8.8.8.8",
        "8.8.8.256",   "8.8.8.",     "a.b.c.d",    "2001:4860::8888", "x.local"})
    EXPECT_FALSE(is_public(address)) << address;
}

TEST(Candidates, SayWhichFamiliesThereAre) {
  const Candidates four = counted(member("candidate:1 1 udp 1 192.0.2.2 9 typ host"));
  EXPECT_TRUE(four.only_ipv4());
  EXPECT_FALSE(four.only_ipv6());
  Candidates six = counted(member("candidate:1 1 udp 1 2001:db8::1 9 typ host"));
  EXPECT_TRUE(six.only_ipv6());
  six.add(four);
  EXPECT_FALSE(six.only_ipv6() || six.only_ipv4());
  const Candidates hidden = counted(member("candidate:1 1 udp 1 a.local 9 typ host"));
  EXPECT_FALSE(hidden.only_ipv6() || hidden.only_ipv4());
}

std::string reflexive(std::string_view address, int port, std::string_view base, int base_port) {
  std::string line = "candidate:1 1 udp 1 ";
  line.append(address).append(" ").append(std::to_string(port)).append(" typ srflx raddr ");
  return line.append(base).append(" rport ").append(std::to_string(base_port));
}

TEST(Candidates, TellASymmetricNat) {
  Candidates all = counted(member(reflexive("198.51.100.7", 1001, "192.168.1.2", 5000)));
  EXPECT_FALSE(all.behind_symmetric_nat());
  // The same again, and that of another interface.
  all.add(counted(member(reflexive("198.51.100.7", 1001, "192.168.1.2", 5000))));
  all.add(counted(member(reflexive("198.51.100.7", 1002, "192.168.1.3", 5000))));
  EXPECT_FALSE(all.behind_symmetric_nat());
  all.add(counted(member(reflexive("198.51.100.7", 1003, "192.168.1.2", 5000))));
  EXPECT_TRUE(all.behind_symmetric_nat());
}

// What @roamhq/wrtc sends behind one, with two STUN servers.
TEST(Candidates, OfARealStackTellASymmetricNat) {
  Candidates all;
  for (
      const char* const line :
      {"candidate:2437072876 1 udp 2122260223 192.168.1.2 35481 typ host generation 0 ufrag qJxx "
       "network-id 1",
       "candidate:941443129 1 udp 1686052607 198.51.100.10 28095 typ srflx raddr 192.168.1.2 rport "
       "35481 generation 0 ufrag qJxx network-id 1",
       "candidate:941443129 1 udp 1686052607 198.51.100.10 20707 typ srflx raddr 192.168.1.2 rport "
       "35481 generation 0 ufrag qJxx network-id 1"}) {
    EXPECT_FALSE(all.behind_symmetric_nat());
    all.add(counted(member(line)));
  }
  EXPECT_TRUE(all.behind_symmetric_nat());
}

TEST(Candidates, WithHiddenBasesTellItToo) {
  Candidates all = counted(member(reflexive("198.51.100.7", 1001, "0.0.0.0", 0)));
  all.add(counted(member("candidate:1 1 udp 1 a.local 5000 typ host")));
  all.add(counted(member(reflexive("198.51.100.7", 1001, "0.0.0.0", 0))));
  EXPECT_FALSE(all.behind_symmetric_nat());
  Candidates two_interfaces = all;
  all.add(counted(member(reflexive("198.51.100.7", 1002, "0.0.0.0", 0))));
  EXPECT_TRUE(all.behind_symmetric_nat());
  two_interfaces.add(counted(member("candidate:1 1 udp 1 b.local 5000 typ host")));
  two_interfaces.add(counted(member(reflexive("198.51.100.8", 1002, "0.0.0.0", 0))));
  EXPECT_FALSE(two_interfaces.behind_symmetric_nat());
}

TEST(Candidates, OfManyInterfacesAreBounded) {
  Candidates all;
  for (int base = 1; base < 100; ++base) {
    all.add(counted(member(reflexive("198.51.100.7", base, "192.168.1.2", base + 1000))));
  }
  EXPECT_EQ(all.of(CandidateType::srflx), 99);
}

TEST(Candidates, SayWhetherThereAreOnlyHosts) {
  Candidates all;
  EXPECT_FALSE(all.only_hosts());
  all.add(counted(member("candidate:1 1 udp 1 a.local 9 typ host")));
  EXPECT_TRUE(all.only_hosts());
  all.add(counted(member("candidate:1 1 udp 1 198.51.100.7 9 typ relay raddr 0.0.0.0 rport 0")));
  EXPECT_FALSE(all.only_hosts());
}

}  // namespace
}  // namespace crolang::negotiation
