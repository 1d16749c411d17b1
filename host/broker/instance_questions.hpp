#pragma once
/// The questions that other instances may ask this one. The first word of a question selects the
/// handler, which parses the rest.
///
/// Threads: add on the control thread, before the registry is bound; answer on any thread.

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "crolang/plugin.h"

namespace crolang::broker {

class InstanceQuestions {
 public:
  /// Answers one question, exactly once, on any thread. A value.
  class Reply {
   public:
    Reply(crolang_text_fn function, void* call) : function_(function), call_(call) {}
    void text(std::string_view bytes) const;
    void fail(crolang_status status, std::string_view error) const;

   private:
    crolang_text_fn function_;
    void* call_;
  };

  /// `rest`: the text after the word and one blank, valid during the call only. May throw
  /// std::bad_alloc before it has answered.
  using Handler = std::function<void(std::string_view rest, const Reply& reply)>;

  void add(std::string word, Handler handler);
  /// A question that has no handler, or that is too long, is answered CROLANG_INVALID. Throws
  /// whatever the handler throws.
  void answer(std::string_view question, const Reply& reply) const;

 private:
  std::map<std::string, Handler, std::less<>> handlers_;  // by word
};

}  // namespace crolang::broker
