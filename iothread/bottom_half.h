// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "qomio/iothread/internal/node_pool.h"
#include "qomio/iothread/running_call.h"

namespace qomio {

class AioContext;
class BottomHalf;

namespace detail {

class StatCounter;

// One queued call of a loop: a one-shot, or the base of one with a handle. The callable lies in the node
// itself, whatever its size. It is small, because it travels from one processor to another.
class BottomHalfNode {
 public:
  explicit BottomHalfNode(bool oneshot = true) : oneshot_(oneshot) {}
  BottomHalfNode(const BottomHalfNode&) = delete;
  BottomHalfNode& operator=(const BottomHalfNode&) = delete;
  virtual ~BottomHalfNode() = default;

 protected:
  static void enter(RunningCallMark& mark, const char* type) {
    mark.enter(RunningCall::Kind::one_shot, type);
  }

 private:
  friend class BottomHalfQueue;

  virtual void run(RunningCallMark& mark) = 0;

  BottomHalfNode* next_ = nullptr;  // of the queue that holds it
  std::atomic<std::uint32_t> state_ = 0;
  const bool oneshot_;
};

// One with a handle.
class NamedBottomHalfNode : public BottomHalfNode {
 public:
  // The name must live as long as the loop.
  NamedBottomHalfNode(AioContext& loop, const char* name) : BottomHalfNode(false), loop_(loop), name_(name) {}

 protected:
  void enter(RunningCallMark& mark, const char*) const { mark.enter(RunningCall::Kind::bottom_half, name_); }

 private:
  friend class ::qomio::AioContext;
  friend class ::qomio::BottomHalf;

  AioContext& loop_;
  const char* const name_;
  NamedBottomHalfNode *previous_alive_ = nullptr, *next_alive_ = nullptr;  // of the loop's list of them
};

template <class Node, class Function>
class BottomHalfCall final : public Node {
 public:
  template <class F, class... Arguments>
  explicit BottomHalfCall(F&& function, Arguments&&... arguments)
      : Node(std::forward<Arguments>(arguments)...), function_(std::forward<F>(function)) {}

  // A one-shot with a callable of up to five words takes no allocation.
  static void* operator new(std::size_t size) {
    return kPooled<BottomHalfCall> ? NodePool::allocate() : ::operator new(size);
  }
  static void operator delete(void* memory) {
    kPooled<BottomHalfCall> ? NodePool::free(memory) : ::operator delete(memory);
  }

 private:
  // A template, since the class must be complete.
  template <class Self>
  static constexpr bool kPooled = std::is_same_v<Node, BottomHalfNode> && sizeof(Self) <= NodePool::kBytes &&
                                  alignof(Self) <= alignof(std::max_align_t);

  void run(RunningCallMark& mark) override {
    Node::enter(mark, typeid(Function).name());
    function_();
  }

  Function function_;
};

// The calls that wait to be run by one loop. Any thread puts nodes in, without a lock; the home thread runs
// them.
class BottomHalfQueue {
 public:
  BottomHalfQueue() = default;
  BottomHalfQueue(const BottomHalfQueue&) = delete;
  BottomHalfQueue& operator=(const BottomHalfQueue&) = delete;
  ~BottomHalfQueue() { discard(); }

  enum class Scheduled {
    before,  // already, in the same or a more urgent way
    queued,  // put into the queue now, not idle: urgent() is true from now on
    changed  // else
  };
  // Thread-safe.
  Scheduled schedule(BottomHalfNode& node, bool idle, bool in_home_thread);
  // Thread-safe. Prevents a run that hasn't started.
  static void cancel(BottomHalfNode& node);
  // Thread-safe. The node's handle is gone: it won't run again, and is freed as soon as nobody uses it. When
  // it runs in another thread at this moment, this waits until it has returned.
  static void release(BottomHalfNode& node, bool in_home_thread);

  // Home thread. What has been taken is asked first: the rest lies where the posters write.
  bool empty() const { return !any_due() && pushed_.load(std::memory_order_seq_cst) == nullptr; }
  // Home thread: there is one that isn't idle.
  bool urgent() const {
    if (any_due() && any_due_urgent()) return true;
    const BottomHalfNode* const pushed = pushed_.load(std::memory_order_seq_cst);
    return pushed && any_urgent(pushed);
  }
  // Home thread: some have been taken and not run.
  bool any_due() const { return next_due_ < due_.size() || due_list_; }

  // Home thread: makes what is queued now the newest batch, which run() runs. Returns how many of it other
  // threads have scheduled. Slower without memory, but no less.
  std::uint32_t take();

  // Home thread: runs what has been taken, oldest first. Called by one that runs, it runs what is left of the
  // batches outside first; what is scheduled meanwhile is left for the next call. Each is counted before it
  // is called, so that whoever hears of a run finds it counted. True if one that is not idle was run.
  bool run(StatCounter& runs, RunningCallMark& mark);

  // Home thread. Removes a node that was taken and has not run.
  void take_out(BottomHalfNode& node);

  // Thread-safe. What discard() does with what hasn't been taken yet; for a loop that has ended.
  void discard_pushed();
  // Takes out what is left, for a loop that ends, and frees what nobody has a handle of. Nobody may use the
  // queue any more, except what is freed.
  void discard();

 private:
  void push(BottomHalfNode& node);
  static bool any_urgent(const BottomHalfNode* node);
  bool any_due_urgent() const;
  bool grow_due();
  void append_to_list(BottomHalfNode* newest);
  BottomHalfNode* pop();
  static void discard_one(BottomHalfNode& node);
  static bool run_one(BottomHalfNode& node, StatCounter& runs, RunningCallMark& mark);

  std::atomic<BottomHalfNode*> pushed_ = nullptr;  // newest first
  // Home thread only: batches begun, oldest first, of which next_due_ are gone. A list of their own, since
  // writing into nodes would take them from their poster's processor once more; and in a line of their own,
  // apart from where posters write.
  alignas(64) std::vector<BottomHalfNode*> due_;
  std::size_t next_due_ = 0;
  BottomHalfNode* due_list_ = nullptr;  // those for which due_ could not grow, linked, newer than all in it
  bool flowing_ = false;                // the last take() found something
};

}  // namespace detail

// A call that a loop makes when asked to, once for any number of requests before it starts: it may be
// scheduled from any thread, and from inside itself for another run.
//
// Owns the callable. Made by AioContext::bh_new(), and must be destroyed before its loop: a loop that
// ends with a live one is a broken invariant. Destroying it is allowed from inside itself; from another
// thread it waits for a run that is going on, so nothing that the callable uses is needed afterwards.
class BottomHalf {
 public:
  BottomHalf() = default;
  BottomHalf(BottomHalf&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  BottomHalf& operator=(BottomHalf&& other) noexcept {
    BottomHalf old(std::move(*this));
    node_ = std::exchange(other.node_, nullptr);
    return *this;
  }
  ~BottomHalf();

  // Thread-safe. The mark is cleared before the call starts, so nothing published before is missed.
  void schedule();
  // Thread-safe. Within 10 ms, or with anything else that the loop has to do; running it is no progress.
  void schedule_idle();
  // Thread-safe. Prevents a run that hasn't started.
  void cancel();

  explicit operator bool() const { return node_ != nullptr; }

 private:
  friend class AioContext;
  explicit BottomHalf(detail::NamedBottomHalfNode* node) : node_(node) {}

  detail::NamedBottomHalfNode* node_ = nullptr;
};

}  // namespace qomio
