// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace qomio {

class Object;

namespace internal {

class WeakNode;

// The WeakNodes that point to one object, which owns the list. Thread: the main thread.
class WeakList {
 public:
  WeakList() = default;
  WeakList(const WeakList&) = delete;
  WeakList& operator=(const WeakList&) = delete;
  ~WeakList() { clear(); }
  // Empties all nodes.
  void clear();

 private:
  friend class WeakNode;
  WeakNode* first_ = nullptr;
};

// Points to an object without keeping it alive; becomes empty when the object is destroyed. The untyped part
// of WeakLink. Thread: the main thread.
class WeakNode {
 public:
  WeakNode() = default;
  WeakNode(const WeakNode&) = delete;
  WeakNode& operator=(const WeakNode&) = delete;
  ~WeakNode() {
    if (target_) clear();
  }

  Object* target() const { return target_; }
  void clear();
  // Makes the node point to the owner of the list.
  void join(WeakList& list, Object& owner);
  // Makes the node point to an object, or empties it for null. Defined in object.cc, which has access to the
  // object's list.
  void set_target(Object* target);

 private:
  Object* target_ = nullptr;
  WeakNode* next_ = nullptr;       // in the list
  WeakNode** previous_ = nullptr;  // points to the pointer that points to this node
};

}  // namespace internal
}  // namespace qomio
