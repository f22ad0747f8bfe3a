// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace qomio {

// Owns one reference to a T, which counts its own references: T::ref() and T::unref() may be called from any
// thread. A Ref may be copied, moved and destroyed in any thread, but several threads must not use the same
// Ref at the same time.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T& object) : object_(&object) { object.ref(); }
  Ref(const Ref& other) : object_(other.object_) {
    if (object_) object_->ref();
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  Ref(Ref<U> other) noexcept : object_(other.release()) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) object_->unref();
  }

  // Takes ownership of a reference that the caller owns; release() returns it to the caller.
  static Ref adopt(T* object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  T* release() { return std::exchange(object_, nullptr); }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) = default;

 private:
  T* object_ = nullptr;
};

}  // namespace qomio
