// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sched.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace qomio::internal {

// A value that any thread may set and any thread may read as a whole. A sequence lock: readers take no lock,
// and read again if a writer was at work. The words are atomic, so that no read of a word is a data race.
template <class T>
class SharedValue {
  static_assert(std::is_trivially_copyable_v<T>, "a shared value is copied byte by byte");

 public:
  explicit SharedValue(const T& value) { store(value); }

  // Thread-safe. Waits for a writer that is at work.
  void set(const T& value) {
    std::uint32_t version = version_.load(std::memory_order_relaxed);
    while (version % 2 != 0 ||
           !version_.compare_exchange_weak(version, version + 1, std::memory_order_acq_rel)) {
      sched_yield();
      version = version_.load(std::memory_order_relaxed);
    }
    store(value);
    version_.store(version + 2, std::memory_order_release);
  }

  // Thread-safe. Waits for a writer that is at work.
  T get() const {
    for (;; sched_yield()) {
      const std::uint32_t version = version_.load(std::memory_order_acquire);
      if (version % 2 != 0) continue;
      Words words;
      for (std::size_t i = 0; i < words.size(); ++i) words[i] = words_[i].load(std::memory_order_acquire);
      if (version_.load(std::memory_order_relaxed) != version) continue;
      T value;
      std::memcpy(static_cast<void*>(&value), words.data(), sizeof value);
      return value;
    }
  }

  // Thread-safe. Never waits. Every set() has changed the version by the time it returns.
  std::uint32_t version() const { return version_.load(std::memory_order_acquire) / 2; }

 private:
  using Words = std::array<std::uint64_t, (sizeof(T) + 7) / 8>;

  // A reader that sees one of these words sees the odd version that was stored before, or a later one.
  void store(const T& value) {
    Words words{};
    std::memcpy(words.data(), &value, sizeof value);
    for (std::size_t i = 0; i < words.size(); ++i) words_[i].store(words[i], std::memory_order_release);
  }

  std::atomic<std::uint32_t> version_ = 0;  // odd while a writer is at work
  std::array<std::atomic<std::uint64_t>, (sizeof(T) + 7) / 8> words_{};
};

}  // namespace qomio::internal
