// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/shared_value.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace qomio {
namespace shared_value_test {

using Numbers = std::array<std::int32_t, 9>;  // not a multiple of the word size

Numbers all(std::int32_t number) {
  Numbers numbers{};
  numbers.fill(number);
  return numbers;
}

TEST(SharedValue, holds_what_was_set_last) {
  internal::SharedValue<Numbers> value(all(1));
  EXPECT_EQ(value.get(), all(1));
  value.set(all(2));
  EXPECT_EQ(value.get(), all(2));
}

TEST(SharedValue, has_a_version_that_differs_after_each_change) {
  internal::SharedValue<Numbers> value(all(1));
  const std::uint32_t first = value.version();
  value.set(all(1));
  EXPECT_NE(value.version(), first);
}

TEST(SharedValue, is_never_seen_in_parts) {
  internal::SharedValue<Numbers> value(all(0));
  std::atomic<int> writing = 2;
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < 2; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::int32_t i = 0; i < 20'000; ++i) value.set(all(2 * i + writer));
      --writing;
    });
  }
  while (writing > 0) {
    const Numbers seen = value.get();
    ASSERT_EQ(seen, all(seen[0]));
  }
}

}  // namespace shared_value_test
}  // namespace qomio
