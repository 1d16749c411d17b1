/// The scanner of candidates against a simple one that unescapes first: both count the same in a
/// session description. An input is taken as the text of the description, and as the raw JSON of a
/// message too, of which only the bounds are checked.
#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/json_oracle.hpp"
#include "negotiation/candidates.hpp"

using namespace crolang;
using negotiation::Candidates;
using negotiation::CandidateType;

namespace {

constexpr std::string_view kPrefix = "candidate:";

struct Counts {
  std::array<std::size_t, negotiation::kCandidateTypes> types{};
  std::size_t udp = 0;
  std::size_t tcp = 0;
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields;
  std::string field;
  for (const char c : line) {
    if (c != ' ') {
      field += c;
    } else if (!field.empty()) {
      fields.push_back(std::move(field));
      field.clear();
    }
  }
  if (!field.empty()) fields.push_back(std::move(field));
  return fields;
}

void count_one(Counts& counts, std::string_view line) {
  const auto fields = fields_of(line);
  if (fields.size() < 8 || lower(fields[6]) != "typ") return;
  const std::string transport = lower(fields[2]);
  if (transport != "udp" && transport != "tcp" && transport != "ssltcp") return;
  const std::string address = lower(fields[4]);
  const std::string type = lower(fields[7]);
  std::size_t index = 0;
  if (type == "host") {
    index = address.ends_with(".local") && address.size() > 6 ? 1 : 0;
  } else if (type == "srflx") {
    index = 2;
  } else if (type == "prflx") {
    index = 3;
  } else if (type == "relay") {
    index = 4;
  } else {
    return;
  }
  ++counts.types[index];
  ++(transport == "udp" ? counts.udp : counts.tcp);
}

Counts simple(std::string_view text) {
  Counts counts;
  for (std::size_t i = 0; i < negotiation::kMaxCandidatesPerMessage; ++i) {
    const std::size_t at = text.find(kPrefix);
    if (at == std::string_view::npos) break;
    text.remove_prefix(at + kPrefix.size());
    const std::string_view own = text.substr(0, text.find(kPrefix));
    count_one(counts, own.substr(0, own.find_first_of("\r\n")));
  }
  return counts;
}

void require_sums(const Candidates& found) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < negotiation::kCandidateTypes; ++i) {
    sum += found.of(static_cast<CandidateType>(i));
  }
  fuzz::require(sum == std::size_t{found.udp()} + found.tcp());
  fuzz::require(sum <= negotiation::kMaxCandidatesPerMessage);
  fuzz::require(found.none() == (sum == 0));
}

void require_same(std::string_view json, const Counts& expected) {
  Candidates found;
  negotiation::add_candidates(found, json);
  require_sums(found);
  for (std::size_t i = 0; i < negotiation::kCandidateTypes; ++i) {
    fuzz::require(found.of(static_cast<CandidateType>(i)) == expected.types[i]);
  }
  fuzz::require(found.udp() == expected.udp && found.tcp() == expected.tcp);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_text(data, size);
  Candidates raw;
  negotiation::add_candidates(raw, input);
  require_sums(raw);

  const auto literal = fuzz::stringify(input);
  if (!literal) return 0;
  require_same(*literal, simple(input));
  // As most nodes send them: one candidate, which is read to the end of its line.
  Counts expected;
  if (input.starts_with(kPrefix)) {
    const std::string_view line = input.substr(kPrefix.size());
    count_one(expected, line.substr(0, line.find_first_of("\r\n")));
  } else {
    expected = simple(input);
  }
  require_same(R"({"sdp":)" + *literal + "}", expected);
  return 0;
}
