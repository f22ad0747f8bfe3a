// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace qomio::internal {

// Listeners that others own; one is no longer called once it has been destroyed. A call may add and destroy
// listeners and call the list again. Thread: one at a time.
template <class Listener>
class ListenerList {
 public:
  void add(std::weak_ptr<Listener> listener) {
    // During a walk the positions stay.
    if (walks_ == 0) std::erase_if(listeners_, [](const auto& known) { return known.expired(); });
    listeners_.push_back(std::move(listener));
  }
  // Destroyed listeners may count.
  bool is_empty() const { return listeners_.empty(); }

  // Calls `visit`, oldest listener first, until it returns true; returns whether it did. Includes listeners
  // that are added meanwhile.
  template <class Visit>
  bool any_of(const Visit& visit) {
    const Walk walk(walks_);
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      const auto listener = listeners_[i].lock();
      if (listener && visit(*listener)) return true;
    }
    return false;
  }

  // Calls `visit` for the listeners that are in the list now, oldest first.
  template <class Visit>
  void for_each_present(const Visit& visit) {
    const Walk walk(walks_);
    const std::size_t count = listeners_.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (const auto listener = listeners_[i].lock()) visit(*listener);
    }
  }

 private:
  struct Walk {
    explicit Walk(int& count) : walks(count) { ++walks; }
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;
    ~Walk() { --walks; }
    int& walks;
  };

  std::vector<std::weak_ptr<Listener>> listeners_;
  int walks_ = 0;  // nested calls of any_of() and for_each_present()
};

}  // namespace qomio::internal
