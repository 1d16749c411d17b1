#include "engineio/open_packet.hpp"

namespace crolang::engineio {

void append_open_packet(std::string& out, std::string_view sid, const Timing& timing,
                        std::size_t max_payload) {
  // The members are in the order of the official server.
  out.append(R"(0{"sid":")").append(sid);
  out.append(R"(","upgrades":[],"pingInterval":)");
  out.append(std::to_string(timing.ping_interval.count()));
  out.append(R"(,"pingTimeout":)").append(std::to_string(timing.ping_timeout.count()));
  out.append(R"(,"maxPayload":)").append(std::to_string(max_payload)).append("}");
}

}  // namespace crolang::engineio
