#include "program/console.hpp"

#include <iostream>

namespace crolang::program {

void print_warnings(const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences) {
    std::cerr << "crolang-broker: warning: " << sentence << '\n';
  }
}

void print_all(const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences) {
    std::cerr << "crolang-broker: " << sentence << '\n';
  }
}

}  // namespace crolang::program
