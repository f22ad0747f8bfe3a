// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace qomio {

template <class Signature>
class FunctionRef;

// A reference to a callable, for functions that call it before they return. Passing one allocates no memory,
// whatever the callable's size.
template <class R, class... Arguments>
class FunctionRef<R(Arguments...)> {
 public:
  // Implicit, so that a lambda can be passed.
  template <class Callable>
    requires(!std::is_same_v<std::remove_cvref_t<Callable>, FunctionRef> &&
             !std::is_function_v<std::remove_reference_t<Callable>> &&
             std::is_invocable_r_v<R, Callable&, Arguments...>)
  FunctionRef(Callable&& callable)
      : callable_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* target, Arguments... arguments) -> R {
          return (*static_cast<std::remove_reference_t<Callable>*>(target))(
              std::forward<Arguments>(arguments)...);
        }) {}

  FunctionRef(R (*function)(Arguments...))
      : callable_(reinterpret_cast<void*>(function)), call_([](void* target, Arguments... arguments) -> R {
          return reinterpret_cast<R (*)(Arguments...)>(target)(std::forward<Arguments>(arguments)...);
        }) {}

  R operator()(Arguments... arguments) const {
    return call_(callable_, std::forward<Arguments>(arguments)...);
  }

 private:
  void* callable_;
  R (*call_)(void*, Arguments...);
};

}  // namespace qomio
