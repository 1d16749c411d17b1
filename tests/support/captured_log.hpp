#pragma once
/// The log of a test, in a pipe. One at a time.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

#include "telemetry/log.hpp"

namespace crolang::support {

class CapturedLog {
 public:
  explicit CapturedLog(telemetry::log::Level level) {
    EXPECT_EQ(::pipe(ends_), 0);
    telemetry::log::start({level, telemetry::log::Format::text, ends_[1]});
  }
  ~CapturedLog() {
    telemetry::log::stop();
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  /// What was written, without the time. Ends the capture.
  std::vector<std::string> lines() {
    telemetry::log::stop();
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    std::string all;
    char bytes[4096];
    for (ssize_t n = 0; (n = ::read(ends_[0], bytes, sizeof bytes)) > 0;) {
      all.append(bytes, static_cast<std::size_t>(n));
    }
    std::istringstream in(all);
    std::vector<std::string> found;
    for (std::string line; std::getline(in, line);)
      found.push_back(line.substr(line.find(' ') + 1));
    return found;
  }

 private:
  int ends_[2]{-1, -1};
};

}  // namespace crolang::support
