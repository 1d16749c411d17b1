#include "ice/verdict.hpp"

#include <map>
#include <string_view>
#include <tuple>

namespace crolang::ice {

Verdict judge(std::span<const Result> results, std::size_t turn_left_out) {
  struct Count {
    std::size_t works = 0;         // of stun: by UDP
    std::size_t works_by_tcp = 0;  // of stun:
    std::size_t fails = 0;
  };
  // The same URL may come with several credentials.
  std::map<std::tuple<Service, std::string_view, std::string_view>, Count> urls;
  for (const Result& each : results) {
    Count& count = urls[{each.target.service, each.target.url, each.target.credentials.username}];
    switch (each.outcome.state) {
      case Outcome::State::works:
        if (each.target.service == Service::stun && each.target.way == Way::tcp) {
          ++count.works_by_tcp;
        } else {
          ++count.works;
        }
        break;
      case Outcome::State::failed:
        ++count.fails;
        break;
      case Outcome::State::skipped:
        break;
    }
  }
  Verdict verdict;
  verdict.turn_urls = turn_left_out;
  for (const auto& [key, count] : urls) {
    if (std::get<Service>(key) == Service::stun) {
      ++verdict.stun_urls;
      verdict.stun_works += count.works != 0 ? 1 : 0;
      verdict.stun_only_by_tcp += count.works == 0 && count.works_by_tcp != 0 ? 1 : 0;
      verdict.stun_works_partly += count.works != 0 && count.fails != 0 ? 1 : 0;
    } else {
      ++verdict.turn_urls;
      verdict.turn_works += count.works != 0 && count.fails == 0 ? 1 : 0;
    }
  }
  return verdict;
}

}  // namespace crolang::ice
