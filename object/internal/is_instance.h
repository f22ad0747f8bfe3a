// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <concepts>

#ifndef __cpp_rtti
#error "qomio needs RTTI: compile without -fno-rtti"
#endif

namespace qomio {

class Object;

namespace internal {

// Whether the object has the C++ class T. The parameter `O` delays the use of Object until it is complete.
template <class T, class O = Object>
bool is_instance(const O& object) {
  if constexpr (std::same_as<T, O>) {
    return true;
  } else {
    return dynamic_cast<const T*>(&object) != nullptr;
  }
}

}  // namespace internal
}  // namespace qomio
