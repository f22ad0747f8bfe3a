// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "qomio/object/observe.h"
#include "qomio/qapi/visitor.h"

namespace qomio::internal {

class ObserverList;

// One observation. Its Observation owns it, and the observed object lists it. It is not counted with locked
// instructions, since every change below /objects comes by here if there is a QMP server.
struct ObserverEntry {
  const ObserverScope scope;
  const std::string property;  // its name, for ObserverScope::property
  const bool wants_old_values;
  const std::unique_ptr<Observer> callback;
  ObserverList* list = nullptr;  // null when the object is destroyed
  int calls = 0;                 // of the callback, that have not returned
  bool has_ended = false;        // during a call; the entry is deleted when the call returns
};

// The observations of one object, oldest first.
class ObserverList {
 public:
  ObserverList() = default;
  ObserverList(const ObserverList&) = delete;
  ObserverList& operator=(const ObserverList&) = delete;
  ~ObserverList();

  void add(ObserverEntry& entry);
  void remove(ObserverEntry& entry);
  // Calls `visit` for the entries that are in the list now. It may add and remove entries and call the list
  // again, and must not throw.
  template <class Visit>
  void for_each_present(const Visit& visit) {
    ++walks_;
    const std::size_t count = entries_.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (entries_[i]) visit(*entries_[i]);
    }
    if (--walks_ == 0 && has_gaps_) close_gaps();
  }

 private:
  void close_gaps();

  std::vector<ObserverEntry*> entries_;  // null: removed during a walk
  int walks_ = 0;                        // nested calls of for_each_present()
  bool has_gaps_ = false;
};

// The number of observations in the process. While it is 0, a change costs one comparison.
struct ObserverCount {
  int all = 0;
  int with_old_values = 0;
};
extern constinit ObserverCount observer_count;

inline bool is_anything_observed() { return observer_count.all > 0; }

// --- Reports to observers. The object is kept alive until all observers have returned. ---

void report_changed(Object& object, const Property& property, const Json* old_value);
// The object has been given a parent. Reports also the objects below it.
void report_added(Object& object);
// The object has become complete. Only for the observers of trees.
void report_completed(Object& object);
// The object is about to leave its parent; later, the objects below it are. The caller keeps the object
// alive.
void report_removed(Object& object);
void report_removed_below(Object& object);

// --- Values before a change ---

struct DeleteJson {
  void operator()(Json* value) const;
};
using OldValue = std::unique_ptr<Json, DeleteJson>;

// Whether an observer of this property wants its old value.
bool has_old_value_observer(Object& object, const Property& property);
inline bool is_old_value_wanted(Object& object, const Property& property) {
  return observer_count.with_old_values > 0 && has_old_value_observer(object, property);
}
// Returns the value; null if it can't be read.
OldValue read_old_value(Object& object, const Property& property);
// The same, but null if no observer wants it.
inline OldValue old_value(Object& object, const Property& property) {
  return is_old_value_wanted(object, property) ? read_old_value(object, property) : nullptr;
}

}  // namespace qomio::internal
