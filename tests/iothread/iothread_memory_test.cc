// SPDX-License-Identifier: GPL-2.0-or-later
// Each allocation that making an IOThread takes is made to fail once. The operators here stand in place of
// the standard library's in this program, unless a sanitizer has its own.
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

// Makes with one allocation after the other failing, until none is left to fail; returns how many there were.
template <class Make>
int fail_each_allocation(const Make& make) {
  // What is made once in a process is made.
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
    if (made) {  // with none failing, or only one of an event that tells of it
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

// Without a list as text: the JSON library ends the program when there is no memory to free an array with.
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
  // Enough for an index.
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
