// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/ref.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "qomio/object/object.h"
#include "qomio/object/object_new.h"

namespace qomio {
namespace ref_test {

std::atomic<int> finalized = 0;

// The finalizer reads `sum`, which is not atomic: if it could run before the thread that writes `sum` has
// released its reference, ThreadSanitizer would report a race.
class Counted final : public Object {
 public:
  static const TypeInfo type_info;
  std::atomic<int> uses = 0;
  int sum = 0;
};

const TypeInfo Counted::type_info{.name = "counted",
                                  .parent = "object",
                                  .create = create<Counted>,
                                  .instance_finalize = [](Object& object) {
                                    auto& self = static_cast<Counted&>(object);
                                    EXPECT_EQ(self.sum, self.uses);
                                    ++finalized;
                                  }};

class RefTest : public testing::Test {
 protected:
  RefTest() {
    EXPECT_TRUE(register_type(Counted::type_info));
    finalized = 0;
  }
  static Ref<Counted> make() { return Ref<Counted>(object_check<Counted>(**object_new("counted"))); }
};

TEST_F(RefTest, copies_count_and_moves_do_not) {
  Ref<Counted> a = make();
  Ref<Counted> b = a;
  Ref<Counted> c = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): the test checks that it is empty
  EXPECT_EQ(b, c);
  b = nullptr;
  EXPECT_EQ(finalized, 0);
  c = nullptr;
  EXPECT_EQ(finalized, 1);
}

TEST_F(RefTest, the_last_of_many_threads_destroys_the_object_and_sees_all_writes) {
  constexpr int kThreads = 4;
  constexpr int kObjects = 200;
  for (int round = 0; round < kObjects; ++round) {
    Ref<Counted> first = make();
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([mine = first]() mutable {
        for (int i = 0; i < 50; ++i) {
          const Ref<Counted> copy = mine;
          Ref<Counted> moved = copy;
          mine = std::move(moved);
        }
        mine->uses.fetch_add(1, std::memory_order_relaxed);
        mine = nullptr;
      });
    }
    first->sum = kThreads;  // written by this thread only; read by the thread that finalizes
    first = nullptr;
  }
  EXPECT_EQ(finalized, kObjects);
}

}  // namespace ref_test
}  // namespace qomio
