// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/post_queue.h"

#include <algorithm>
#include <new>
#include <utility>

#include "qomio/iothread/internal/loop_counters.h"

namespace qomio::internal {

namespace {

// Room for this many calls of a batch is kept for the next one.
constexpr std::size_t kKeptDue = 65'536;

// The bits of a node's state_.
constexpr std::uint32_t kScheduled = 1;  // to be run
constexpr std::uint32_t kQueued = 2;     // linked into a list; stays set when kScheduled is cancelled
constexpr std::uint32_t kIdle = 4;       // scheduled, but not urgent
constexpr std::uint32_t kRunning = 8;    // the home thread is inside run()
constexpr std::uint32_t kReleased = 16;  // the handle was destroyed
constexpr std::uint32_t kAwaited = 32;   // a releaser waits; it frees the node unless kQueued is set
constexpr std::uint32_t kRemote = 64;    // queued by another thread, and not counted as a notification

// Prefetches the cache line at an address, which may be null, for writing: NodePool::free() writes there, and
// a line fetched for reading would be transferred twice.
void fetch_for_writing(const void* address) {
#if defined(__x86_64__)
  // __builtin_prefetch() emits this only if the compiler may assume that all processors have it.
  asm volatile("prefetchw (%0)" : : "r"(address));
#else
  __builtin_prefetch(address, 1);
#endif
}

}  // namespace

void PostQueue::schedule(PostNode& node, bool idle) {
  const bool home = waker_.at_home();
  const Scheduled scheduled = mark_and_push(node, idle, home);
  if (scheduled == Scheduled::before) return;
  // Either this sees that the loop is closed, or the loop, when it ends, sees the node.
  if (lifetime_.is_closed()) [[unlikely]]
    return discard_pushed();
  if (home) {
    waker_.wake_from_home();
  } else if (scheduled == Scheduled::queued) {
    waker_.wake();
  } else {
    waker_.notify();
  }
}

PostQueue::Scheduled PostQueue::mark_and_push(PostNode& node, bool idle, bool at_home) {
  if (node.oneshot_) {  // no other thread has it yet
    node.state_.store(at_home ? 0 : kRemote, std::memory_order_relaxed);
    push(node);
    return Scheduled::queued;
  }
  std::uint32_t state = node.state_.load(std::memory_order_relaxed);
  std::uint32_t wanted = 0;
  do {
    wanted = state | kScheduled | kQueued;
    if (!(state & kQueued) && !at_home && !idle) wanted |= kRemote;
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

void PostQueue::push(PostNode& node) {
  PostNode* first = pushed_.load(std::memory_order_relaxed);
  do {
    node.next_ = first;
  } while (
      !pushed_.compare_exchange_weak(first, &node, std::memory_order_seq_cst, std::memory_order_relaxed));
}

void PostQueue::cancel(PostNode& node) {
  node.state_.fetch_and(~(kScheduled | kIdle), std::memory_order_acq_rel);
}

const char* PostQueue::interned_name(std::string_view name) {
  const std::lock_guard lock(live_mutex_);
  const auto known = names_.find(name);
  return (known != names_.end() ? known : names_.emplace(name).first)->c_str();
}

void PostQueue::add_live(NamedPostNode& node) {
  const std::lock_guard lock(live_mutex_);
  node.next_live_ = first_live_;
  if (first_live_) first_live_->previous_live_ = &node;
  first_live_ = &node;
}

const char* PostQueue::name_of_any_live() const {
  const std::lock_guard lock(live_mutex_);
  return first_live_ ? first_live_->name_ : nullptr;
}

void PostQueue::release(NamedPostNode& node) {
  {
    const std::lock_guard lock(live_mutex_);
    (node.previous_live_ ? node.previous_live_->next_live_ : first_live_) = node.next_live_;
    if (node.next_live_) node.next_live_->previous_live_ = node.previous_live_;
  }
  if (waker_.at_home()) {
    const std::uint32_t state = node.state_.fetch_or(kReleased, std::memory_order_acq_rel);
    if (!(state & (kRunning | kQueued))) delete &node;
    return;
  }
  std::uint32_t state = node.state_.fetch_or(kReleased | kAwaited, std::memory_order_acq_rel);
  while (state & kRunning) {
    node.state_.wait(state, std::memory_order_acquire);
    state = node.state_.load(std::memory_order_acquire);
  }
  // While kAwaited is set the loop does not free the node; after that, only one of the two finds it unqueued.
  state = node.state_.fetch_and(~kAwaited, std::memory_order_acq_rel);
  if (!(state & kQueued)) delete &node;
}

bool PostQueue::any_urgent(const PostNode* node) {
  // Only the home thread takes nodes out, so the nodes seen here stay.
  for (; node; node = node->next_) {
    if (!(node->state_.load(std::memory_order_relaxed) & kIdle)) return true;
  }
  return false;
}

bool PostQueue::any_due_urgent() const {
  return std::any_of(
             due_.begin() + static_cast<std::ptrdiff_t>(next_due_), due_.end(),
             [](const PostNode* node) { return !(node->state_.load(std::memory_order_relaxed) & kIdle); }) ||
         any_urgent(due_list_);
}

// Returns false if there is no memory.
bool PostQueue::grow_due() {
  constexpr std::size_t kLeast = 16;
  try {
    due_.reserve(std::max(kLeast, 2 * due_.capacity()));
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void PostQueue::append_to_list(PostNode* newest) {
  PostNode* oldest = nullptr;
  while (newest) {
    PostNode* const next = std::exchange(newest->next_, oldest);
    oldest = std::exchange(newest, next);
  }
  PostNode** end = &due_list_;
  while (*end) end = &(*end)->next_;
  *end = oldest;
}

std::uint32_t PostQueue::take() {
  // If the last take() found nodes, this one probably does too, and a load before the exchange would transfer
  // the cache line twice.
  if (!was_nonempty_ && !pushed_.load(std::memory_order_relaxed)) return 0;
  const std::size_t before = due_.size();
  std::uint32_t remote = 0;
  PostNode* const newest = pushed_.exchange(nullptr, std::memory_order_seq_cst);
  was_nonempty_ = newest != nullptr;
  bool room = !due_list_;
  for (PostNode* node = newest; node; node = node->next_) {
    fetch_for_writing(node->next_);
    if (node->state_.load(std::memory_order_relaxed) & kRemote) ++remote;
    if (due_.size() == due_.capacity()) [[unlikely]]
      room = room && grow_due();
    if (room) [[likely]]
      due_.push_back(node);
  }
  if (!room) [[unlikely]] {
    due_.resize(before);
    append_to_list(newest);
    return remote;
  }
  std::reverse(due_.begin() + static_cast<std::ptrdiff_t>(before), due_.end());
  return remote;
}

PostNode* PostQueue::pop() {
  if (next_due_ < due_.size()) return due_[next_due_++];
  if (due_.capacity() > kKeptDue) due_ = {};
  due_.clear();
  next_due_ = 0;
  if (due_list_) [[unlikely]]
    return std::exchange(due_list_, due_list_->next_);
  return nullptr;
}

bool PostQueue::run(StatCounter& runs, RunningCallMark& mark) {
  bool progress = false;
  // A nested run() empties the whole list, and the outer batches end here.
  while (PostNode* node = pop()) progress |= run_one(*node, runs, mark);
  return progress;
}

// Returns true if the node was run and was not idle.
bool PostQueue::run_one(PostNode& node, StatCounter& runs, RunningCallMark& mark) {
  if (node.oneshot_) {  // no other thread has it
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
    next = (state & ~(kScheduled | kQueued | kIdle | kRemote)) | (starts ? kRunning : 0);
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

void PostQueue::discard() {
  // Destroying a callable may schedule more.
  do {
    (void)take();
    while (PostNode* node = pop()) discard_one(*node);
  } while (!empty());
}

void PostQueue::discard_one(PostNode& node) {
  // A node whose handle is alive is freed by the handle.
  constexpr std::uint32_t kInQueue = kScheduled | kQueued | kIdle | kRemote;
  if (node.oneshot_ || (node.state_.fetch_and(~kInQueue, std::memory_order_acq_rel) & kReleased)) {
    delete &node;
  }
}

void PostQueue::discard_pushed() {
  PostNode* left = pushed_.exchange(nullptr, std::memory_order_seq_cst);
  while (left) discard_one(*std::exchange(left, left->next_));
}

void PostQueue::take_out(PostNode& node) {
  const auto first = due_.begin() + static_cast<std::ptrdiff_t>(next_due_);
  if (const auto found = std::find(first, due_.end(), &node); found != due_.end()) {
    due_.erase(found);
    return;
  }
  PostNode** place = &due_list_;
  while (*place && *place != &node) place = &(*place)->next_;
  if (*place) *place = node.next_;
}

}  // namespace qomio::internal
