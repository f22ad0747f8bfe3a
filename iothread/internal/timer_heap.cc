// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/timer_heap.h"

#include <algorithm>

namespace qomio::internal {

namespace {

// Nodes are scattered in memory. Prefetching this many ahead overlaps the waits for them.
constexpr std::size_t kAhead = 8;

// From this many on, and if they are many compared with the heap, the heap is rebuilt.
constexpr std::size_t kManyAdded = 16;

}  // namespace

std::size_t TimerHeap::least_child(std::size_t first) const {
  const std::size_t end = std::min(first + kChildren, entries_.size());
  std::size_t least = first;
  for (std::size_t child = first + 1; child < end; ++child) {
    if (entries_[child].before(entries_[least])) least = child;
  }
  return least;
}

void TimerHeap::sift_up(const Entry& entry, std::size_t position) {
  while (position > kRoot) {
    const std::size_t parent = parent_of(position);
    if (!entry.before(entries_[parent])) break;
    place(entries_[parent], position);
    position = parent;
  }
  place(entry, position);
}

template <bool kNodesHavePositions>
void TimerHeap::sift_down(const Entry& entry, std::size_t position) {
  for (;;) {
    const std::size_t children = children_of(position);
    if (children >= entries_.size()) break;
    const std::size_t least = least_child(children);
    if (!entries_[least].before(entry)) break;
    entries_[position] = entries_[least];
    if (kNodesHavePositions) set_node_position(entries_[position], position);
    position = least;
  }
  entries_[position] = entry;
  if (kNodesHavePositions) set_node_position(entry, position);
}

void TimerHeap::build() {
  const std::size_t end = entries_.size();
  for (std::size_t i = parent_of(end - 1) + 1; i-- > kRoot;) sift_down<false>(Entry(entries_[i]), i);
  for (std::size_t i = kRoot; i < end; ++i) {
    __builtin_prefetch(entries_[std::min(i + kAhead, end - 1)].node, 1);
    set_node_position(entries_[i], i);
  }
}

bool TimerHeap::make_room(std::size_t count) {
  if (count <= room()) return true;
  try {
    entries_.reserve(std::max(std::max(entries_.size(), kRoot) + count, 2 * entries_.capacity()));
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void TimerHeap::add(std::span<const Entry> added) {
  if (added.empty()) return;
  if (entries_.empty()) entries_.resize(kRoot);
  if (added.size() >= kManyAdded && added.size() > entries_.size() / kChildren) {
    entries_.insert(entries_.end(), added.begin(), added.end());
    return build();
  }
  for (const Entry& entry : added) {
    entries_.push_back(entry);
    sift_up(entry, entries_.size() - 1);
  }
}

void TimerHeap::remove(std::uint32_t position) {
  const Entry last = entries_.back();
  entries_.pop_back();
  if (position == entries_.size()) return;
  if (position > kRoot && last.before(entries_[parent_of(position)])) {
    sift_up(last, position);
  } else {
    sift_down<true>(last, position);
  }
}

}  // namespace qomio::internal
