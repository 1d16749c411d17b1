#include "admin_client/negotiation_tables.hpp"

#include <array>
#include <utility>
#include <vector>

namespace crolang::admin_client {
namespace {

constexpr auto kRight = Column::Align::right;

bool is_usual(const Json& negotiation) {
  return negotiation.is_object() && negotiation.value("usual", Json()) == Json(true);
}

/// "2 host, 1 srflx; 3 udp": what there are none of is left out.
std::string candidates_in(const Json& negotiation, const char* name) {
  if (!negotiation.is_object() || !negotiation.contains(name)) return "-";
  const Json& all = negotiation[name];
  if (all.is_null()) return "not known";
  const auto join = [&all](auto names) {
    std::string text;
    for (const char* each : names) {
      const std::string count = count_in(all, each);
      if (count == "0" || count == "-") continue;
      text.append(text.empty() ? "" : ", ").append(count).append(" ").append(each);
    }
    return text;
  };
  const std::string types = join(std::array{"host", "mdns", "srflx", "prflx", "relay"});
  const std::string transports = join(std::array{"udp", "tcp"});
  if (types.empty() && transports.empty()) return "none";
  return transports.empty() ? types : types + "; " + transports;
}

std::string answer_time(const Json& negotiation) {
  const std::string seconds = number_in(negotiation, "answerSeconds");
  return seconds == "-" ? seconds : seconds + " s";
}

/// The lines of a table, each with its line end.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = text.find('\n', from) + 1;
    lines.push_back(text.substr(from, end - from));
    from = end;
  }
  return lines;
}

}  // namespace

std::string negotiations_table(const Json& answer, Time now) {
  const Json& all = list_in(answer, "negotiations");
  std::vector<std::vector<std::string>> rows;
  for (const Json& each : all) {
    rows.push_back({text_in(each, "id"), text_in(each, "initiator"), text_in(each, "responder"),
                    text_in(each, "state"), age_in(each, "startedAt", now), answer_time(each)});
  }
  const std::vector<std::string> lines = lines_of(
      table({{"ID"}, {"INITIATOR"}, {"RESPONDER"}, {"STATE"}, {"AGO", kRight}, {"ANSWER", kRight}},
            rows));
  std::string text = lines.front();
  for (std::size_t i = 0; i < all.size(); ++i) {
    text += lines[i + 1];
    if (!is_usual(all[i])) text += "    " + text_in(all[i], "diagnosis") + "\n";
  }
  return text;
}

std::string negotiation_text(const Json& negotiation) {
  std::string text = properties(
      {{"id", text_in(negotiation, "id")},
       {"initiator", text_in(negotiation, "initiator")},
       {"responder", text_in(negotiation, "responder")},
       {"session", text_in(negotiation, "sessionId")},
       {"state", text_in(negotiation, "state")},
       {"started", text_in(negotiation, "startedAt")},
       {"last message", text_in(negotiation, "lastMessageAt")},
       {"answer after", answer_time(negotiation)},
       {"candidates", candidates_in(negotiation, "initiatorCandidates") + " of initiator"},
       {"", candidates_in(negotiation, "responderCandidates") + " of responder"},
       {"diagnosis", text_in(negotiation, "diagnosis")}});
  const Json& events = list_in(negotiation, "events");
  if (events.empty()) return text;
  std::vector<std::vector<std::string>> rows;
  for (const Json& each : events) {
    rows.push_back({text_in(each, "at"), text_in(each, "from"), text_in(each, "what"),
                    text_in(each, "acknowledgement")});
  }
  return text + "\n" + table({{"AT"}, {"FROM"}, {"WHAT"}, {"ACKNOWLEDGEMENT"}}, rows);
}

}  // namespace crolang::admin_client
