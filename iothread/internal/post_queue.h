// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/iothread/internal/loop_lifetime.h"
#include "qomio/iothread/internal/post_node.h"
#include "qomio/iothread/internal/running_call_mark.h"
#include "qomio/iothread/internal/waker.h"

namespace qomio::internal {

class StatCounter;

// The calls that wait to be run by one loop. Any thread adds nodes, without a lock; the home thread takes all
// of them at once and runs them.
class PostQueue {
 public:
  PostQueue(Waker& waker, const LoopLifetime& lifetime) : waker_(waker), lifetime_(lifetime) {}
  PostQueue(const PostQueue&) = delete;
  PostQueue& operator=(const PostQueue&) = delete;
  ~PostQueue() { discard(); }

  // --- any thread ---

  // Wakes the loop if necessary. idle: not urgent. If the loop has ended, a one-shot is destroyed.
  void schedule(PostNode& node, bool idle);
  // Prevents a run that has not started.
  static void cancel(PostNode& node);
  // The node's handle is destroyed: the node does not run again, and is freed once it is no longer in use. If
  // it is running in another thread, this waits until the run has returned.
  void release(NamedPostNode& node);
  // A copy of the name that lives as long as the queue; equal names share one.
  const char* interned_name(std::string_view name);
  // Called once for each named node, before it is scheduled.
  void add_live(NamedPostNode& node);
  // The name of a node whose handle has not been destroyed; null if there is none.
  const char* name_of_any_live() const;

  // --- home thread ---

  // Checks the taken nodes first, since pushed_ is on the cache line that posters write.
  bool empty() const { return !any_due() && pushed_.load(std::memory_order_seq_cst) == nullptr; }
  // Returns true if there is a node that is not idle.
  bool urgent() const {
    if (any_due() && any_due_urgent()) return true;
    const PostNode* const pushed = pushed_.load(std::memory_order_seq_cst);
    return pushed && any_urgent(pushed);
  }
  // Returns true if nodes have been taken and not run.
  bool any_due() const { return next_due_ < due_.size() || due_list_; }

  // Takes the nodes queued now as the newest batch, which run() runs. Returns how many of them other threads
  // have scheduled. Works without memory too, only slower.
  std::uint32_t take();

  // Runs the taken nodes, oldest first. A nested call first runs the rest of the outer batches. Nodes
  // scheduled meanwhile are left for the next call. Each call is counted before it is made, so that whoever
  // learns of a run finds it counted. Returns true if a node that is not idle was run.
  bool run(StatCounter& runs, RunningCallMark& mark);

  // Removes a node that was taken and has not run.
  void take_out(PostNode& node);

  // For a loop that ends: takes out the remaining nodes and frees the ones without a handle. No other code
  // may use the queue any more, except the callables that this destroys.
  void discard();

 private:
  enum class Scheduled {
    before,  // already scheduled, and at least as urgent
    queued,  // put into the queue now, not idle, so urgent() is true from now on
    changed  // everything else
  };

  Scheduled mark_and_push(PostNode& node, bool idle, bool at_home);
  void push(PostNode& node);
  void discard_pushed();
  static bool any_urgent(const PostNode* node);
  bool any_due_urgent() const;
  bool grow_due();
  void append_to_list(PostNode* newest);
  PostNode* pop();
  static void discard_one(PostNode& node);
  static bool run_one(PostNode& node, StatCounter& runs, RunningCallMark& mark);

  alignas(64) std::atomic<PostNode*> pushed_ = nullptr;  // newest first
  // Home thread only: batches that have been taken, oldest first; the first next_due_ nodes have been run. A
  // vector, since writing into nodes would move them between processors once more; on a cache line of its
  // own, which posters do not write.
  alignas(64) std::vector<PostNode*> due_;
  std::size_t next_due_ = 0;
  PostNode* due_list_ = nullptr;  // nodes for which due_ could not grow, linked; newer than all in due_
  bool was_nonempty_ = false;     // the last take() found something

  alignas(64) Waker& waker_;
  const LoopLifetime& lifetime_;
  mutable std::mutex live_mutex_;             // guards names_ and first_live_
  std::set<std::string, std::less<>> names_;  // all names so far
  NamedPostNode* first_live_ = nullptr;       // list of the named nodes whose handles exist
};

}  // namespace qomio::internal
