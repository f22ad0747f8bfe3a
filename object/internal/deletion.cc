// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/internal/deletion.h"

#include <cstddef>
#include <unordered_map>

#include "qomio/object/tree.h"

namespace qomio {
namespace {

// The ownership among an object and its descendants: a parent owns its children, and the owner of a link its
// target.
class Ownership {
 public:
  explicit Ownership(Object& top) {
    add(top);
    object_child_foreach_recursive(top, [&](Object& below) {
      own(places_.at(below.parent()), add(below));
      return 0;
    });
    for (std::size_t held = 0; held < nodes_.size(); ++held) {
      for (const Object* owner : nodes_[held].object->holding_objects()) {
        if (const auto known = places_.find(owner); known != places_.end()) own(known->second, held);
      }
    }
    end(0);
  }

  // The holders whose objects are not destroyed together with the top object.
  std::vector<Holder> that_stay() const {
    std::vector<Holder> stay;
    for (const Node& held : nodes_) {
      const auto holders = held.object->holders();
      const auto owners = held.object->holding_objects();
      for (std::size_t i = 0; i < holders.size(); ++i) {
        const auto known = places_.find(owners[i]);
        if (known == places_.end() || !nodes_[known->second].ends) stay.push_back(holders[i]);
      }
    }
    return stay;
  }

 private:
  struct Node {
    const Object* object;
    std::size_t owners = 0;  // owners that are not marked as ending
    bool ends = false;
    std::vector<std::size_t> owned = {};
  };

  std::size_t add(const Object& object) {
    places_.emplace(&object, nodes_.size());
    nodes_.push_back({&object});
    return nodes_.size() - 1;
  }
  void own(std::size_t owner, std::size_t owned) {
    nodes_[owner].owned.push_back(owned);
    ++nodes_[owned].owners;
  }
  // Unless the object has owners, marks it as ending, and then every object whose last owner ends.
  void end(std::size_t first) {
    if (nodes_[first].owners > 0) return;
    std::vector<std::size_t> ending = {first};
    while (!ending.empty()) {
      const std::size_t at = ending.back();
      ending.pop_back();
      nodes_[at].ends = true;
      for (const std::size_t owned : nodes_[at].owned) {
        if (--nodes_[owned].owners == 0) ending.push_back(owned);
      }
    }
  }

  std::vector<Node> nodes_;
  std::unordered_map<const Object*, std::size_t> places_;
};

}  // namespace

std::vector<Holder> internal::holders_that_stay(Object& object) {
  // Most objects have no holders, so the graph is built only if the object or a descendant has one.
  const auto is_held = [](Object& one) { return one.is_held() ? 1 : 0; };
  if (!is_held(object) && object_child_foreach_recursive(object, is_held) == 0) return {};
  return Ownership(object).that_stay();
}

}  // namespace qomio
