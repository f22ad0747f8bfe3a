// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace qomio {

class Object;

namespace internal {

class WeakNode;

// The nodes that lead to one object, which owns the list. Main thread only.
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

// Leads to an object without keeping it alive; empty once the object has been destroyed. The untyped part of
// WeakLink. Main thread only.
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
  // Leads to the owner of the list from now on.
  void join(WeakList& list, Object& owner);
  // The same for an object; empty for null. Defined in object.cc, which has the list.
  void lead_to(Object* target);

 private:
  Object* target_ = nullptr;
  WeakNode* next_ = nullptr;       // in the list
  WeakNode** previous_ = nullptr;  // points to the pointer that points to this node
};

}  // namespace internal
}  // namespace qomio
