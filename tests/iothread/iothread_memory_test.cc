// SPDX-License-Identifier: GPL-2.0-or-later
// Fails each allocation that creating an IOThread makes, one at a time. The operators below replace those of
// the standard library in this program. A sanitizer has its own operators, so there are no tests then.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>

#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/iothread/memory_failure.h"

#ifndef QOMIO_SANITIZED

namespace {

using qomio::allocations_left;
using qomio::allocations_to_succeed;
using qomio::pieces_alive;

bool fails() {
  if (allocations_to_succeed >= 0 && allocations_to_succeed-- == 0) return true;
  int left = allocations_left;
  while (left > 0 && !allocations_left.compare_exchange_weak(left, left - 1)) {
  }
  return left == 0;
}

void* allocate(std::size_t size, std::size_t alignment) {
  if (fails()) throw std::bad_alloc();
  void* const memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  ++pieces_alive;
  return memory;
}
void give_back(void* memory) {
  if (memory) --pieces_alive;
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }

namespace qomio {
namespace {

std::size_t entries(const char* directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator()));
}

// Calls `make` with the 1st, 2nd, ... allocation failing, until none fails; returns how many there were.
template <class Make>
int fail_each_allocation(const Make& make) {
  // The first call makes the allocations that a process makes only once.
  EXPECT_TRUE(make().has_value());
  EXPECT_TRUE(user_creatable_del("io0").has_value());
  for (int failing = 0;; ++failing) {
    const std::size_t descriptors = entries("/proc/self/fd");
    const std::size_t threads = entries("/proc/self/task");
    const long before = pieces_alive;
    allocations_to_succeed = failing;
    auto made = make();
    const bool none_failed = allocations_to_succeed >= 0;
    allocations_to_succeed = -1;
    if (made) {  // none failed, or only one for an event
      made = Ref<Object>();
      EXPECT_TRUE(user_creatable_del("io0").has_value());
      if (none_failed) return failing;
      continue;
    }
    EXPECT_EQ(made.error().message(), "Failed to create object: Cannot allocate memory");
    made = Ref<Object>();
    EXPECT_EQ(objects_root().child("io0"), nullptr) << "allocation " << failing;
    EXPECT_EQ(entries("/proc/self/fd"), descriptors) << "allocation " << failing;
    EXPECT_EQ(entries("/proc/self/task"), threads) << "allocation " << failing;
    EXPECT_EQ(pieces_alive, before) << "allocation " << failing;
    if (::testing::Test::HasFailure()) return failing;
  }
}

// No property has a list as text: the JSON library aborts if it has no memory while it destroys an array.
TEST(IOThreadWithoutMemory, is_an_error_and_leaves_nothing) {
  register_iothread_types();
  EXPECT_GT(fail_each_allocation([] {
              return object_new_with_props(
                  "iothread", objects_root(), "io0",
                  {{"poll-max-ns", "1000"}, {"poll-shrink", 4}, {"poll-policy", "weighted"}});
            }),
            10);
  objects_cleanup();
}

TEST(IOThreadWithoutMemory, made_by_a_user_among_many_is_an_error_and_leaves_nothing) {
  register_iothread_types();
  // Enough children for the parent to build an index.
  for (int i = 1; i < 8; ++i) {
    ASSERT_TRUE(object_new_with_props("iothread", objects_root(), "other" + std::to_string(i)).has_value());
  }
  const Json options = {
      {"qom-type", "iothread"}, {"id", "io0"}, {"poll-max-ns", 1000}, {"thread-pool-max", 8}};
  EXPECT_GT(fail_each_allocation([&] { return user_creatable_add(options); }), 10);
  EXPECT_NE(objects_root().child("other7"), nullptr);
  objects_cleanup();
}

}  // namespace
}  // namespace qomio

#endif
