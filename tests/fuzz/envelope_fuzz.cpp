/// The envelope reader against nlohmann: both accept the same payloads and find the same from, to
/// and ids. An input is taken as the literal itself if it is one, otherwise as the payload.
#include <algorithm>
#include <string>
#include <string_view>

#include "envelope/envelope.hpp"
#include "fuzz/json_oracle.hpp"
#include "json/scanner.hpp"

using namespace crolang;

namespace {

constexpr std::size_t kMaxIds = 8;

constexpr std::string_view kSpaces[] = {
    "\x09",         "\x0A",         "\x0B",         "\x0C",         "\x0D",
    "\x20",         "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
    "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
    "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
    "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF"};

std::string trimmed(std::string text) {
  const auto starts = [&](std::string_view space) { return text.starts_with(space); };
  const auto ends = [&](std::string_view space) { return text.ends_with(space); };
  for (const auto* space = std::begin(kSpaces); space != std::end(kSpaces);) {
    space = std::find_if(std::begin(kSpaces), std::end(kSpaces), starts);
    if (space != std::end(kSpaces)) text.erase(0, space->size());
  }
  for (const auto* space = std::begin(kSpaces); space != std::end(kSpaces);) {
    space = std::find_if(std::begin(kSpaces), std::end(kSpaces), ends);
    if (space != std::end(kSpaces)) text.erase(text.size() - space->size());
  }
  return text;
}

/// A member's value; null, which is no string and no array, if it is absent.
nlohmann::json member(const std::optional<nlohmann::json>& payload, const char* name) {
  return payload && payload->is_object() ? payload->value(name, nlohmann::json())
                                         : nlohmann::json();
}

void check_envelope(std::string_view literal, const std::optional<nlohmann::json>& payload) {
  const nlohmann::json from = member(payload, "from");
  const nlohmann::json to = member(payload, "to");
  const bool is_usable = to.is_string() && !trimmed(to.get<std::string>()).empty();

  envelope::EnvelopeReader reader;
  const auto envelope = reader.read(literal);
  fuzz::require(envelope.has_value() == is_usable);
  if (!is_usable) return;
  fuzz::require(fuzz::without_lone_surrogates(envelope->to) == trimmed(to.get<std::string>()));
  using From = envelope::Envelope::From;
  const From expected = !payload->contains("from") ? From::absent
                        : from.is_string()         ? From::named
                                                   : From::unusable;
  fuzz::require(envelope->from_kind == expected);
  fuzz::require(fuzz::without_lone_surrogates(envelope->from) ==
                (from.is_string() ? from.get<std::string>() : ""));
}

void check_ids(std::string_view literal, const std::optional<nlohmann::json>& payload) {
  const nlohmann::json expected = member(payload, "ids");
  const auto is_id = [](const nlohmann::json& id) {
    return id.is_string() && !trimmed(id.get<std::string>()).empty();
  };
  const bool is_usable = expected.is_array() && expected.size() <= kMaxIds &&
                         std::all_of(expected.begin(), expected.end(), is_id);

  envelope::EnvelopeReader reader;
  const auto ids = reader.read_ids(literal, kMaxIds);
  fuzz::require(ids.has_value() == is_usable);
  if (!is_usable) return;
  fuzz::require(ids->size() == expected.size());
  for (std::size_t i = 0; i < ids->size(); ++i) {
    fuzz::require(fuzz::without_lone_surrogates((*ids)[i]) ==
                  trimmed(expected[i].get<std::string>()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_text(data, size);
  auto literal = fuzz::stringify(input);
  if (!literal) return 0;
  if (input.starts_with('"') && json::scan_string(input, 0).end == input.size()) literal = input;
  // Half a character in the literal may meet its other half in an escape of the payload; that is
  // beyond this oracle and left to the unit tests.
  if (fuzz::rewrite(*literal).had_lone_surrogates) return 0;

  const auto text = fuzz::parse(*literal);
  fuzz::require(text && text->is_string());
  const auto payload = fuzz::parse(text->get_ref<const std::string&>());
  check_envelope(*literal, payload);
  check_ids(*literal, payload);
  return 0;
}
