#include "config/foreign.hpp"

#include <gtest/gtest.h>

namespace crolang::config {
namespace {

TEST(OfAService, AreTheVariablesOfKubernetes) {
  for (const auto& [name, value] : std::vector<std::pair<const char*, const char*>>{
           {"CROLANG_BROKER_SERVICE_HOST", "10.96.0.7"},
           {"CROLANG_BROKER_SERVICE_PORT", "8080"},
           {"CROLANG_BROKER_SERVICE_PORT_HTTP", "8080"},
           {"CROLANG_BROKER_PORT", "tcp://10.96.0.7:8080"},
           {"CROLANG_BROKER_PORT_8080_TCP", "tcp://10.96.0.7:8080"},
           {"CROLANG_BROKER_PORT_8080_TCP_PROTO", "tcp"},
           {"CROLANG_BROKER_PORT_8080_TCP_PORT", "8080"},
           {"CROLANG_BROKER_PORT_8080_TCP_ADDR", "10.96.0.7"},
           {"REDIS_PORT", "tcp://10.96.0.8:6379"},
           {"TURN_PORT", "udp://10.96.0.9:3478"},
           {"TURN_PORT_3478_UDP_ADDR", "10.96.0.9"},
           {"X_PORT_9_SCTP", "sctp://10.0.0.1:9"},
           {"JWT_AUTH_SERVICE_HOST", "10.96.0.10"},
           {"PORT_PORT", "tcp://10.96.0.11:80"},
           {"MY_PORT_PORT_80_TCP", "tcp://10.96.0.11:80"},
           {"KUBERNETES_PORT", "tcp://10.96.0.1:443"}})
    EXPECT_TRUE(is_service_variable(name, value)) << name;
}

TEST(OfAService, AreTheVariablesOfDockersLinks) {
  EXPECT_TRUE(is_service_variable("REDIS_NAME", "/broker/redis"));
  EXPECT_TRUE(is_service_variable("REDIS_ENV_REDIS_VERSION", "7.0"));
  EXPECT_TRUE(is_service_variable("REDIS_PORT_6379_TCP_ADDR", "172.17.0.2"));
  EXPECT_TRUE(is_service_variable("WEB_PORT_8000_TCP_PORT_START", "8000"));
}

TEST(OfAService, IsNothingThatSomebodyWrote) {
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, const char*>>{{"PORT", "8080"},
                                                        {"CROLANG_PORT", "9000"},
                                                        {"BROKER_PORT", "9000"},
                                                        {"REDIS_HOST", "redis"},
                                                        {"REDIS_PORT", "6379"},
                                                        {"PORT_HTTP_TCP", "80"},
                                                        {"PORT_80", "x"},
                                                        {"A_PORT_80_HTTP", "x"},
                                                        {"A_PORT_80_TCP_X", "x"},
                                                        {"NODE_NAME", "a"},
                                                        {"", ""}})
    EXPECT_FALSE(is_service_variable(name, value)) << name;
}

TEST(OfTheSystem, AreTheVariablesOfShellsAndTerminals) {
  for (const char* name : {"TERM", "PATH", "LC_ALL", "XDG_RUNTIME_DIR", "SSH_CONNECTION"})
    EXPECT_TRUE(is_system_variable(name)) << name;
  for (const char* name : {"TEAM", "PORT", "TERMS", "LC", "HOSTS"})
    EXPECT_FALSE(is_system_variable(name)) << name;
}

}  // namespace
}  // namespace crolang::config
