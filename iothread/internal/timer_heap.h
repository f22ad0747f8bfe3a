// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace qomio::internal {

class TimerList;

// The state of one Timer, apart from the Timer itself, which can be moved. Small, since there may be very
// many; the members used by arming and cancelling come first.
struct TimerNode {
  TimerNode(TimerList& of, std::function<void()> function) : list(of), callback(std::move(function)) {}

  static constexpr std::uint32_t kUnarmed = UINT32_MAX;
  static constexpr std::uint32_t kUnplaced = UINT32_MAX - 1;
  static constexpr std::uint32_t kUnsorted = std::uint32_t{1} << 31;

  enum class Request : std::uint32_t { none, arm, arm_no_later, cancel, release };

  TimerList& list;
  // The position in the heap; or kUnsorted plus the index in TimerList::unsorted_; or kUnplaced: neither
  // could grow, so the node is in the list TimerList::unplaced_. Written by the home thread only.
  std::atomic<std::uint32_t> position = kUnarmed;
  Request request = Request::none;  // made by another thread; guarded by TimerList::mutex_
  std::uint64_t order = 0;          // the order of arming, among equal deadlines
  std::atomic<std::uint32_t> state = 0;
  std::uint16_t running = 0;  // frames inside callback
  bool released = false;      // by its own callback: the last frame frees the node
  std::function<void()> callback;

  // Kept here, so that arming and destroying a timer need no memory. The deadline of the request, and its
  // neighbours in the list of requests:
  std::int64_t request_ns = 0;
  TimerNode *previous_request = nullptr, *next_request = nullptr;
  // If the node is kUnplaced:
  std::int64_t unplaced_ns = 0;
  TimerNode* next_unplaced = nullptr;
};

// A heap of armed timers, earliest first. Each node knows its position, so adding and removing are O(log n).
// Each entry has four children, which share a cache line.
class TimerHeap {
 public:
  struct Entry {
    std::int64_t deadline_ns;
    TimerNode* node;

    // Reads the nodes only for equal deadlines, which are rare.
    bool before(const Entry& other) const {
      if (deadline_ns != other.deadline_ns) return deadline_ns < other.deadline_ns;
      return node->order < other.node->order;
    }
  };

  bool empty() const { return entries_.size() <= kRoot; }
  const Entry& first() const { return entries_[kRoot]; }
  const Entry& last() const { return entries_.back(); }
  const Entry& at(std::uint32_t position) const { return entries_[position]; }

  // Reserves memory for count more entries; returns false if that fails.
  bool make_room(std::size_t count);
  // The number of entries that can be added without allocating.
  std::size_t room() const {
    const std::size_t used = std::max(entries_.size(), kRoot);
    return entries_.capacity() > used ? entries_.capacity() - used : 0;
  }
  // Adding many at once costs less per entry.
  void add(std::span<const Entry> added);
  // Removes the entry at this position, but does not change its node's position.
  void remove(std::uint32_t position);

 private:
  template <class T>
  struct LineAllocator {
    static constexpr std::align_val_t kLine{64};

    using value_type = T;
    LineAllocator() = default;
    template <class Other>
    explicit LineAllocator(const LineAllocator<Other>&) {}
    T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
    void deallocate(T* memory, std::size_t) { ::operator delete(memory, kLine); }
    friend bool operator==(const LineAllocator&, const LineAllocator&) { return true; }
  };

  // The root is the last entry of the first cache line, so its children fill the second line, and so on.
  static constexpr std::size_t kRoot = 3;
  static constexpr std::size_t kChildren = 4;
  static std::size_t parent_of(std::size_t position) { return position / kChildren + 2; }
  static std::size_t children_of(std::size_t position) { return (position - 2) * kChildren; }

  static void set_node_position(const Entry& entry, std::size_t position) {
    entry.node->position.store(static_cast<std::uint32_t>(position), std::memory_order_relaxed);
  }
  void place(const Entry& entry, std::size_t position) {
    entries_[position] = entry;
    set_node_position(entry, position);
  }
  std::size_t least_child(std::size_t first) const;
  void sift_up(const Entry& entry, std::size_t position);
  template <bool kNodesHavePositions>
  void sift_down(const Entry& entry, std::size_t position);
  void build();

  std::vector<Entry, LineAllocator<Entry>> entries_;  // empty, or with three unused entries before the root
};

}  // namespace qomio::internal
