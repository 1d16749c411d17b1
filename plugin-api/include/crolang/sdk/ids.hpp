/// The node ids that one question is about.
#pragma once

#include <crolang/sdk/base.hpp>
#include <cstddef>
#include <iterator>
#include <span>
#include <string_view>

namespace crolang::plugin {

/// Node ids that a question is about.
class Ids {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = void;
    using reference = std::string_view;
    explicit Iterator(const crolang_str* at = nullptr) noexcept : at_(at) {}
    std::string_view operator*() const noexcept { return view(*at_); }
    Iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    Iterator operator++(int) noexcept { return Iterator(at_++); }
    bool operator==(const Iterator&) const = default;

   private:
    const crolang_str* at_;
  };

  Ids(const crolang_str* ids, std::size_t count) noexcept : ids_(ids, count) {}
  std::size_t size() const noexcept { return ids_.size(); }
  std::string_view operator[](std::size_t index) const noexcept { return view(ids_[index]); }
  Iterator begin() const noexcept { return Iterator(ids_.data()); }
  Iterator end() const noexcept { return Iterator(ids_.data() + ids_.size()); }

 private:
  std::span<const crolang_str> ids_;
};

}  // namespace crolang::plugin
