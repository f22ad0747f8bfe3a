// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "qomio/iothread/internal/node_pool.h"
#include "qomio/iothread/internal/running_call_mark.h"

namespace qomio::internal {

class PostQueue;

// One call queued in a loop: a one-shot, or the base of a call with a handle. The callable is stored in the
// node itself, whatever its size. Nodes are small, because they move from one processor to another.
class PostNode {
 public:
  explicit PostNode(bool oneshot = true) : oneshot_(oneshot) {}
  PostNode(const PostNode&) = delete;
  PostNode& operator=(const PostNode&) = delete;
  virtual ~PostNode() = default;

 protected:
  static void enter(RunningCallMark& mark, const char* type) {
    mark.enter(RunningCall::Kind::one_shot, type);
  }

 private:
  friend class PostQueue;

  virtual void run(RunningCallMark& mark) = 0;

  PostNode* next_ = nullptr;  // in the queue that holds it
  std::atomic<std::uint32_t> state_ = 0;
  const bool oneshot_;
};

// A node with a handle (BottomHalf).
class NamedPostNode : public PostNode {
 public:
  // The name must live as long as the queue.
  NamedPostNode(PostQueue& queue, const char* name) : PostNode(false), queue_(queue), name_(name) {}

  PostQueue& queue() const { return queue_; }
  const char* name() const { return name_; }

 protected:
  void enter(RunningCallMark& mark, const char*) const { mark.enter(RunningCall::Kind::bottom_half, name_); }

 private:
  friend class PostQueue;

  PostQueue& queue_;
  const char* const name_;
  NamedPostNode *previous_live_ = nullptr, *next_live_ = nullptr;  // in the queue's list of live nodes
};

template <class Node, class Function>
class PostCall final : public Node {
 public:
  template <class F, class... Arguments>
  explicit PostCall(F&& function, Arguments&&... arguments)
      : Node(std::forward<Arguments>(arguments)...), function_(std::forward<F>(function)) {}

  // A one-shot with a callable of up to five words comes from NodePool, which seldom allocates.
  static void* operator new(std::size_t size) {
    return kPooled<PostCall> ? NodePool::allocate() : ::operator new(size);
  }
  static void operator delete(void* memory) {
    kPooled<PostCall> ? NodePool::free(memory) : ::operator delete(memory);
  }

 private:
  // A template, since the class must be complete.
  template <class Self>
  static constexpr bool kPooled = std::is_same_v<Node, PostNode> && sizeof(Self) <= NodePool::kBytes &&
                                  alignof(Self) <= alignof(std::max_align_t);

  void run(RunningCallMark& mark) override {
    Node::enter(mark, typeid(Function).name());
    function_();
  }

  Function function_;
};

}  // namespace qomio::internal
