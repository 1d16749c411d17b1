#include "ice/report.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "ice/table.hpp"
#include "ice/verdict.hpp"
#include "text/lines.hpp"

namespace crolang::ice {
namespace {

using Json = nlohmann::ordered_json;
using State = Outcome::State;

std::string text_of(const std::optional<stun::TransportAddress>& address) {
  return address ? stun::text_of(*address) : std::string("-");
}

std::string time_cell(const Outcome& outcome) {
  switch (outcome.state) {
    case State::failed:
      return "FAILED";
    case State::skipped:
      return "skipped";
    case State::works:
      break;
  }
  if (!outcome.time) return "-";
  std::string text(32, '\0');
  const int size =
      std::snprintf(text.data(), text.size(), outcome.time->count() < 10 ? "%.1f" : "%.0f",
                    outcome.time->count());
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string sentence_below(const std::string& text) {
  return text::wrapped(text, "    ");
}

std::string sum_up(const Verdict& verdict) {
  std::string text;
  if (verdict.stun_urls != 0) {
    text += std::to_string(verdict.stun_works) + " of " + std::to_string(verdict.stun_urls) +
            " STUN URLs work, ";
  }
  text += std::to_string(verdict.turn_works) + " of " + std::to_string(verdict.turn_urls) +
          " TURN URLs work.\n";
  if (verdict.stun_works_partly != 0) {
    text += "UDP is enough for a stun: URL: nodes use no other way.\n";
  }
  if (verdict.stun_only_by_tcp != 0) {
    text += "A STUN server answers by TCP only, but nodes ask by UDP: open its UDP port.\n";
  }
  if (verdict.turn_urls == 0) {
    text += "There is no TURN server: pairs that find no direct path cannot connect.\n";
  }
  if (verdict.stun_urls != 0 && verdict.stun_works == 0) {
    text += "No STUN server says what a node's address is.\n";
  }
  return text;
}

Json address_or_null(const std::optional<stun::TransportAddress>& address) {
  return address ? Json(stun::text_of(*address)) : Json(nullptr);
}

std::string_view name_of(State state) {
  switch (state) {
    case State::works:
      return "works";
    case State::failed:
      return "failed";
    case State::skipped:
      return "skipped";
  }
  return {};
}

}  // namespace

NotTried not_tried(const Targets& servers, std::string_view why_left_out,
                   std::size_t turn_left_out) {
  NotTried all{turn_left_out + servers.left_out_turn(), {}};
  if (!why_left_out.empty()) all.why.push_back("nodes do not get: " + std::string(why_left_out));
  if (servers.left_out() != 0) {
    all.why.push_back(std::to_string(servers.left_out()) +
                      " more URLs are not tried: browsers use fewer");
  }
  return all;
}

std::string report_text(std::span<const Result> results, const Circumstances& where,
                        const NotTried& not_tried) {
  std::vector<std::vector<std::string>> rows{
      {"URL", "SERVER", "WAY", "MS", "YOUR ADDRESS", "RELAYED ADDRESS"}};
  for (const auto& [target, outcome] : results) {
    rows.push_back({target.url, outcome.server.empty() ? "-" : outcome.server,
                    std::string(ice::name_of(target.way)), time_cell(outcome),
                    text_of(outcome.mapped),
                    target.service == Service::turn ? text_of(outcome.relayed) : std::string()});
  }
  const std::vector<std::string> lines = aligned(rows);
  std::string text = lines.front() + "\n";
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& [target, outcome] = results[i];
    text += lines[i + 1] + "\n";
    if (outcome.fault) {
      const Diagnosis diagnosis = diagnose(target, outcome, where);
      text += sentence_below(diagnosis.error);
      if (target.service == Service::turn && outcome.fault->failure) {
        text += sentence_below("user: " + printable(target.credentials.username));
      }
      if (!target.password_name.empty()) {
        text += sentence_below("with the member '" + std::string(target.password_name) +
                               "', which is not the same as the other one");
      }
      // What was tried is not just likely.
      const std::string_view label = outcome.accepted ? "cause: " : "likely: ";
      if (outcome.state == State::failed)
        text += sentence_below(std::string(label) + diagnosis.cause);
    }
    for (const std::string& warning : warnings_of(target, outcome, where)) {
      text += sentence_below("warning: " + warning);
    }
  }
  text += "\n";
  for (const std::string& why : not_tried.why) text += text::wrapped(why, "");
  return text + sum_up(judge(results, not_tried.turn_urls));
}

std::string report_json(std::span<const Result> results, const Circumstances& where,
                        const NotTried& not_tried) {
  const Verdict verdict = judge(results, not_tried.turn_urls);
  Json checks = Json::array();
  for (const auto& [target, outcome] : results) {
    Json check{{"url", target.url},
               {"way", ice::name_of(target.way)},
               {"server", outcome.server.empty() ? Json(nullptr) : Json(outcome.server)},
               {"result", name_of(outcome.state)},
               {"ms", outcome.time ? Json(outcome.time->count()) : Json(nullptr)},
               {"mapped", address_or_null(outcome.mapped)}};
    if (target.service == Service::turn) {
      check["relayed"] = address_or_null(outcome.relayed);
      check["username"] = target.credentials.username;
      if (!target.password_name.empty()) check["password"] = target.password_name;
      check["realm"] = outcome.realm;
    }
    if (outcome.fault) {
      const Diagnosis diagnosis = diagnose(target, outcome, where);
      if (outcome.fault->failure) check["code"] = outcome.fault->failure->code;
      check["error"] = diagnosis.error;
      check["cause"] = diagnosis.cause;
    }
    if (auto warnings = warnings_of(target, outcome, where); !warnings.empty()) {
      check["warnings"] = std::move(warnings);
    }
    checks.push_back(std::move(check));
  }
  Json all{{"ok", verdict.is_good()},
           {"stun", {{"urls", verdict.stun_urls}, {"work", verdict.stun_works}}},
           {"turn", {{"urls", verdict.turn_urls}, {"work", verdict.turn_works}}},
           {"checks", std::move(checks)}};
  if (!not_tried.why.empty()) all["notTried"] = not_tried.why;
  return all.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace crolang::ice
