// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/bottom_half.h"

#include <algorithm>
#include <new>
#include <utility>

#include "qomio/iothread/aio_context.h"

namespace qomio {

namespace detail {

namespace {

// Room for so many calls of a batch is kept for the next.
constexpr std::size_t kKeptDue = 65'536;

// What a node's state_ is made of.
constexpr std::uint32_t kScheduled = 1;  // to be run
constexpr std::uint32_t kQueued = 2;     // linked into a list; outlives kScheduled when it is cancelled
constexpr std::uint32_t kIdle = 4;       // scheduled, but not urgent
constexpr std::uint32_t kRunning = 8;    // the home thread is inside run()
constexpr std::uint32_t kReleased = 16;  // the handle is gone
constexpr std::uint32_t kAwaited = 32;   // a releaser waits, and frees it unless it is queued still
constexpr std::uint32_t kForeign = 64;   // queued by another thread, and not counted as a notification

// Begins to fetch the line of the cache at an address, null too. NodePool::free() writes there; a line
// fetched for reading would have to be asked for twice.
void fetch_for_writing(const void* address) {
#if defined(__x86_64__)
  // __builtin_prefetch() makes this only if the compiler is told that all processors have it.
  asm volatile("prefetchw (%0)" : : "r"(address));
#else
  __builtin_prefetch(address, 1);
#endif
}

}  // namespace

BottomHalfQueue::Scheduled BottomHalfQueue::schedule(BottomHalfNode& node, bool idle, bool in_home_thread) {
  if (node.oneshot_) {  // nobody else has it yet
    node.state_.store(in_home_thread ? 0 : kForeign, std::memory_order_relaxed);
    push(node);
    return Scheduled::queued;
  }
  std::uint32_t state = node.state_.load(std::memory_order_relaxed);
  std::uint32_t wanted = 0;
  do {
    wanted = state | kScheduled | kQueued;
    if (!(state & kQueued) && !in_home_thread && !idle) wanted |= kForeign;
    if (!idle) {
      wanted &= ~kIdle;
    } else if (!(state & kScheduled)) {
      wanted |= kIdle;
    }
    // Exchanged even if nothing changes: the run that follows must see what the caller wrote before.
  } while (!node.state_.compare_exchange_weak(state, wanted, std::memory_order_acq_rel,
                                              std::memory_order_relaxed));
  if (state & kQueued) return wanted == state ? Scheduled::before : Scheduled::changed;
  push(node);
  return idle ? Scheduled::changed : Scheduled::queued;
}

void BottomHalfQueue::push(BottomHalfNode& node) {
  BottomHalfNode* first = pushed_.load(std::memory_order_relaxed);
  do {
    node.next_ = first;
  } while (
      !pushed_.compare_exchange_weak(first, &node, std::memory_order_seq_cst, std::memory_order_relaxed));
}

void BottomHalfQueue::cancel(BottomHalfNode& node) {
  node.state_.fetch_and(~(kScheduled | kIdle), std::memory_order_acq_rel);
}

void BottomHalfQueue::release(BottomHalfNode& node, bool in_home_thread) {
  if (in_home_thread) {
    const std::uint32_t state = node.state_.fetch_or(kReleased, std::memory_order_acq_rel);
    if (!(state & (kRunning | kQueued))) delete &node;
    return;
  }
  std::uint32_t state = node.state_.fetch_or(kReleased | kAwaited, std::memory_order_acq_rel);
  while (state & kRunning) {
    node.state_.wait(state, std::memory_order_acquire);
    state = node.state_.load(std::memory_order_acquire);
  }
  // While kAwaited is set the loop doesn't free it; after that, only one of the two finds it unqueued.
  state = node.state_.fetch_and(~kAwaited, std::memory_order_acq_rel);
  if (!(state & kQueued)) delete &node;
}

bool BottomHalfQueue::any_urgent(const BottomHalfNode* node) {
  // The home thread alone takes nodes out, so the ones seen here stay.
  for (; node; node = node->next_) {
    if (!(node->state_.load(std::memory_order_relaxed) & kIdle)) return true;
  }
  return false;
}

bool BottomHalfQueue::any_due_urgent() const {
  return std::any_of(due_.begin() + static_cast<std::ptrdiff_t>(next_due_), due_.end(),
                     [](const BottomHalfNode* node) {
                       return !(node->state_.load(std::memory_order_relaxed) & kIdle);
                     }) ||
         any_urgent(due_list_);
}

// False without memory.
bool BottomHalfQueue::grow_due() {
  constexpr std::size_t kLeast = 16;
  try {
    due_.reserve(std::max(kLeast, 2 * due_.capacity()));
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void BottomHalfQueue::append_to_list(BottomHalfNode* newest) {
  BottomHalfNode* oldest = nullptr;
  while (newest) {
    BottomHalfNode* const next = std::exchange(newest->next_, oldest);
    oldest = std::exchange(newest, next);
  }
  BottomHalfNode** end = &due_list_;
  while (*end) end = &(*end)->next_;
  *end = oldest;
}

std::uint32_t BottomHalfQueue::take() {
  // Looking first would cost a second journey of the line between the processors, if there is something.
  if (!flowing_ && !pushed_.load(std::memory_order_relaxed)) return 0;
  const std::size_t before = due_.size();
  std::uint32_t foreign = 0;
  BottomHalfNode* const newest = pushed_.exchange(nullptr, std::memory_order_seq_cst);
  flowing_ = newest != nullptr;
  bool room = !due_list_;
  for (BottomHalfNode* node = newest; node; node = node->next_) {
    fetch_for_writing(node->next_);
    if (node->state_.load(std::memory_order_relaxed) & kForeign) ++foreign;
    if (due_.size() == due_.capacity()) [[unlikely]]
      room = room && grow_due();
    if (room) [[likely]]
      due_.push_back(node);
  }
  if (!room) [[unlikely]] {
    due_.resize(before);
    append_to_list(newest);
    return foreign;
  }
  std::reverse(due_.begin() + static_cast<std::ptrdiff_t>(before), due_.end());
  return foreign;
}

BottomHalfNode* BottomHalfQueue::pop() {
  if (next_due_ < due_.size()) return due_[next_due_++];
  if (due_.capacity() > kKeptDue) due_ = {};
  due_.clear();
  next_due_ = 0;
  if (due_list_) [[unlikely]]
    return std::exchange(due_list_, due_list_->next_);
  return nullptr;
}

bool BottomHalfQueue::run(StatCounter& runs, RunningCallMark& mark) {
  bool progress = false;
  // A nested run() empties the whole list, so the batches outside end here by themselves.
  while (BottomHalfNode* node = pop()) progress |= run_one(*node, runs, mark);
  return progress;
}

// True if it ran, and was not idle.
bool BottomHalfQueue::run_one(BottomHalfNode& node, StatCounter& runs, RunningCallMark& mark) {
  if (node.oneshot_) {  // nobody else has it
    runs.add(1);
    node.run(mark);
    delete &node;
    return true;
  }
  std::uint32_t state = node.state_.load(std::memory_order_relaxed);
  std::uint32_t next = 0;
  bool starts = false;
  do {
    starts = (state & kScheduled) && !(state & kReleased);
    next = (state & ~(kScheduled | kQueued | kIdle | kForeign)) | (starts ? kRunning : 0);
  } while (
      !node.state_.compare_exchange_weak(state, next, std::memory_order_acq_rel, std::memory_order_relaxed));
  if (!starts) {
    if ((state & kReleased) && !(state & (kAwaited | kRunning))) delete &node;
    return false;
  }
  const bool progress = !(state & kIdle);
  runs.add(1);
  node.run(mark);
  if (state & kRunning) return progress;  // a nested run of itself: the outer frame finishes
  state = node.state_.fetch_and(~kRunning, std::memory_order_acq_rel);
  if (state & kAwaited) {
    node.state_.notify_all();  // uses the address only: the releaser may have freed the node
  } else if ((state & kReleased) && !(state & kQueued)) {
    delete &node;
  }
  return progress;
}

void BottomHalfQueue::discard() {
  // What goes may schedule more.
  do {
    (void)take();
    while (BottomHalfNode* node = pop()) discard_one(*node);
  } while (!empty());
}

void BottomHalfQueue::discard_one(BottomHalfNode& node) {
  // A node whose handle is alive is freed by the handle.
  constexpr std::uint32_t kInQueue = kScheduled | kQueued | kIdle | kForeign;
  if (node.oneshot_ || (node.state_.fetch_and(~kInQueue, std::memory_order_acq_rel) & kReleased)) {
    delete &node;
  }
}

void BottomHalfQueue::discard_pushed() {
  BottomHalfNode* left = pushed_.exchange(nullptr, std::memory_order_seq_cst);
  while (left) discard_one(*std::exchange(left, left->next_));
}

void BottomHalfQueue::take_out(BottomHalfNode& node) {
  const auto first = due_.begin() + static_cast<std::ptrdiff_t>(next_due_);
  if (const auto found = std::find(first, due_.end(), &node); found != due_.end()) {
    due_.erase(found);
    return;
  }
  BottomHalfNode** place = &due_list_;
  while (*place && *place != &node) place = &(*place)->next_;
  if (*place) *place = node.next_;
}

}  // namespace detail

BottomHalf::~BottomHalf() {
  if (node_) node_->loop_.release(*node_);
}

void BottomHalf::schedule() { node_->loop_.schedule(*node_, false); }

void BottomHalf::schedule_idle() { node_->loop_.schedule(*node_, true); }

void BottomHalf::cancel() { detail::BottomHalfQueue::cancel(*node_); }

}  // namespace qomio
