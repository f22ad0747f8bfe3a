// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <deque>
#include <set>
#include <utility>
#include <vector>

#include "qomio/iothread/internal/timer_heap.h"
#include "qomio/iothread/internal/timer_list.h"

namespace qomio {
namespace timer_heap_property_test {

using internal::TimerHeap;
using internal::TimerNode;

class Lifetime final : public internal::LoopLifetime {};

// Each round adds several timers at once and removes some at random. The rest is then taken out in order.
RC_GTEST_PROP(TimerHeapProperty, has_the_earliest_first_and_knows_where_all_are, ()) {
  internal::Waker waker(EventNotifier::create().value());
  Lifetime lifetime;
  internal::TimerList list(waker, lifetime, ClockType::monotonic);
  TimerHeap heap;
  std::deque<TimerNode> nodes;
  std::vector<TimerHeap::Entry> inside;
  std::set<std::pair<std::int64_t, std::uint64_t>> model;
  const auto check_first = [&] {
    RC_ASSERT(heap.empty() == model.empty());
    if (heap.empty()) return;
    RC_ASSERT(heap.first().deadline_ns == model.begin()->first);
    RC_ASSERT(heap.first().node->order == model.begin()->second);
  };
  const auto take_out = [&](std::size_t which) {
    const TimerHeap::Entry entry = std::exchange(inside[which], inside.back());
    inside.pop_back();
    RC_ASSERT(heap.at(entry.node->position).node == entry.node);
    model.erase({entry.deadline_ns, entry.node->order});
    heap.remove(entry.node->position);
    check_first();
  };

  const int rounds = *rc::gen::inRange(1, 6);
  for (int round = 0; round < rounds; ++round) {
    // Few different times, so that many are equal.
    const auto times = *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 50));
    std::vector<TimerHeap::Entry> added;
    for (const std::int64_t time : times) {
      TimerNode& node = nodes.emplace_back(list, [] {});
      node.order = nodes.size();
      added.push_back({.deadline_ns = time, .node = &node});
      model.insert({time, node.order});
    }
    heap.add(added);
    inside.insert(inside.end(), added.begin(), added.end());
    check_first();
    const std::size_t removed = *rc::gen::inRange<std::size_t>(0, inside.size() + 1);
    for (std::size_t i = 0; i < removed; ++i) take_out(*rc::gen::inRange<std::size_t>(0, inside.size()));
  }
  while (!heap.empty()) {
    model.erase(model.begin());
    heap.remove(heap.first().node->position);
    check_first();
  }
}

}  // namespace timer_heap_property_test
}  // namespace qomio
