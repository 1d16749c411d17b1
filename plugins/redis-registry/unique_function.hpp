#pragma once
/// A function that is called with `Args`, and that may own what cannot be copied. Threads: values.

#include <memory>
#include <type_traits>
#include <utility>

namespace crolang::redis_registry {

template <class... Args>
class UniqueFunction {
 public:
  UniqueFunction() = default;
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, UniqueFunction>)
      UniqueFunction(F&& function)  // NOLINT: like std::function
      : callable_(std::make_unique<Of<std::decay_t<F>>>(std::forward<F>(function))) {}

  void operator()(Args... args) { callable_->call(args...); }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual void call(Args... args) = 0;
  };
  template <class F>
  struct Of final : Callable {
    explicit Of(F given) : function(std::move(given)) {}
    void call(Args... args) override { function(args...); }
    F function;
  };

  std::unique_ptr<Callable> callable_;
};

}  // namespace crolang::redis_registry
