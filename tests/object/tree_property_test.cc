// SPDX-License-Identifier: GPL-2.0-or-later
// Makes random changes to the tree and to a model, which is a plain table of names, and checks after every
// step that both agree.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "qomio/object/link.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace tree_property_test {

int alive = 0;

class Node final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  Node() {
    ++alive;
    set_user_made();  // as if a user had created it
  }
  ~Node() override { --alive; }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(link("friend", &Node::friend_));
    klass.add(link("needs", &Node::needs_));
  }
  WeakLink<Node> friend_;
  StrongLink<Node> needs_;
};

const TypeInfo Node::type_info{.name = "random-node",
                               .parent = "object",
                               .interfaces = {"user-creatable"},
                               .create = create<Node>,
                               .class_init = class_init};

const std::vector<std::string> kNames{"a", "b", "c", "d", "e", "f",    "g",    "h",      "i",
                                      "j", "a", "b", "c", "d", "n[0]", "n[3]", "friend", "type"};

// The expected tree below /objects: each object with its parent. Children of one parent are oldest first.
struct Entry {
  Object* object;
  Object* parent;
  std::string name;
  Object* friend_to = nullptr;
  Object* needs = nullptr;
};

class Model {
 public:
  Model() { entries_.push_back({&objects_root(), nullptr, ""}); }

  Entry& pick(std::size_t number) { return entries_[number % entries_.size()]; }

  void add(Object& parent, const std::string& name) {
    const Ref<Object> object = *object_new("random-node");
    const bool taken = is_taken(parent, name);
    RC_ASSERT(parent.add_child(name, *object).has_value() == !taken);
    if (!taken) entries_.push_back({object.get(), &parent, name});
  }

  void add_numbered(Object& parent) {
    int number = 0;
    while (find(parent, "n[" + std::to_string(number) + "]")) ++number;
    const std::string name = "n[" + std::to_string(number) + "]";
    const Ref<Object> object = *object_new("random-node");
    RC_ASSERT(parent.add_child("n[*]", *object).has_value());
    RC_ASSERT(object->name() == name);
    entries_.push_back({object.get(), &parent, name});
  }

  // Uses object-del if the object has a name that users may give; else unparents it, as its owner would.
  void remove(const Entry& entry) {
    if (!entry.parent) return;
    const auto gone = subtree(*entry.object);
    const bool held = !all_end(gone);
    if (entry.parent == &objects_root() && is_identifier(entry.name)) {
      const auto deleted = user_creatable_del(entry.name);
      RC_ASSERT(deleted.has_value() == !held);
      RC_ASSERT(held != (deleted.has_value() || deleted.error().data().empty()));
    } else if (!held) {
      object_unparent(*entry.object);
    }
    if (held) return;
    const auto is_gone = [&](const Object* o) { return std::ranges::find(gone, o) != gone.end(); };
    std::erase_if(entries_, [&](const Entry& e) { return is_gone(e.object); });
    std::erase_if(needs_, [&](const Object* o) { return is_gone(o); });
    for (Entry& e : entries_) {
      if (is_gone(e.friend_to)) e.friend_to = nullptr;
    }
  }

  void move(const Entry& entry, Object& parent, const std::string& name) {
    RC_ASSERT(!parent.add_child("elsewhere", *entry.object).has_value());  // it has a parent or is a root
    if (!entry.parent) return;
    const auto below = subtree(*entry.object);
    if (std::ranges::find(below, &parent) != below.end()) return;
    Entry moved = entry;
    const Ref<Object> keep(*moved.object);
    object_unparent(*moved.object);
    std::erase_if(entries_, [&](const Entry& e) { return e.object == moved.object; });
    moved.parent = &parent;
    moved.name = is_taken(parent, name) ? "moved-" + std::to_string(++moves_) : name;
    RC_ASSERT(parent.add_child(moved.name, *moved.object).has_value());
    entries_.push_back(moved);
  }

  void link(Entry& from, Entry& to, bool strong) {
    if (!from.parent || !to.parent) return;
    RC_ASSERT(from.object->set_property(strong ? "needs" : "friend", Json(path(*to.object))).has_value());
    if (!strong) {
      from.friend_to = to.object;
    } else if (from.needs != to.object) {
      std::erase(needs_, from.object);
      needs_.push_back(from.object);
      from.needs = to.object;
    }
  }

  void let_go(Entry& from) {
    if (!from.parent) return;
    RC_ASSERT(from.object->set_property("needs", Json("")).has_value());
    std::erase(needs_, from.object);
    from.needs = nullptr;
  }

  // Checks every object, path, child list, partial look-up, link and holder, and that no other object exists.
  void check() const {
    RC_ASSERT(alive == static_cast<int>(entries_.size()) - 1);
    std::map<std::string, int> by_name;
    for (const Entry& entry : entries_) ++by_name[entry.name];
    for (const Entry& entry : entries_) {
      if (!entry.parent) continue;
      RC_ASSERT(entry.object->parent() == entry.parent);
      RC_ASSERT(entry.parent->child(entry.name) == entry.object);
      RC_ASSERT(object_get_canonical_path(*entry.object) == path(*entry.object));
      RC_ASSERT(object_resolve_path(path(*entry.object)).object == entry.object);
      const Resolved partial = object_resolve_path_type(entry.name, "random-node");
      RC_ASSERT(partial.ambiguous == (by_name[entry.name] > 1));
      RC_ASSERT(partial.object == (partial.ambiguous ? nullptr : entry.object));
      for (const auto& [name, target] :
           {std::pair("friend", entry.friend_to), std::pair("needs", entry.needs)}) {
        RC_ASSERT(*entry.object->get_property(name) == Json(target ? path(*target) : ""));
        if (target) RC_ASSERT(object_resolve_path(path(*entry.object) + "/" + name).object == target);
      }
      RC_ASSERT(entry.object->holders() == holders(*entry.object));
    }
    for (const Entry& parent : entries_) {
      std::vector<Object*> expected;
      for (const Entry& entry : entries_) {
        if (entry.parent == parent.object) expected.push_back(entry.object);
      }
      std::vector<Object*> children;
      object_child_foreach(*parent.object, [&](Object& child) {
        children.push_back(&child);
        return 0;
      });
      RC_ASSERT(children == expected);
      for (const auto& name : kNames) {
        RC_ASSERT((parent.object->child(name) != nullptr) == (find(*parent.object, name) != nullptr));
      }
    }
  }

 private:
  const Entry* find(const Object& parent, const std::string& name) const {
    for (const Entry& entry : entries_) {
      if (entry.parent == &parent && entry.name == name) return &entry;
    }
    return nullptr;
  }
  const Entry& entry_of(const Object& object) const {
    return *std::ranges::find(entries_, &object, &Entry::object);
  }
  // Whether a child or a property of `parent` has the name.
  bool is_taken(const Object& parent, const std::string& name) const {
    const bool has_links = &parent != &objects_root();
    return find(parent, name) || name == "type" || (has_links && name == "friend");
  }
  std::string path(const Object& object) const {
    if (&object == &objects_root()) return "/objects";
    const Entry& entry = entry_of(object);
    return path(*entry.parent) + "/" + entry.name;
  }
  std::vector<Object*> subtree(Object& top) const {
    std::vector<Object*> all{&top};
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (const Entry& entry : entries_) {
        if (entry.parent == all[i]) all.push_back(entry.object);
      }
    }
    return all;
  }
  // Whether every object of a subtree, whose top comes first, would be destroyed with the top. An object is
  // destroyed once its parent and all its holders have been.
  bool all_end(const std::vector<Object*>& subtree) const {
    std::set<const Object*> ended;
    const auto is_owned = [&](const Object* object) {
      return std::ranges::any_of(
                 needs_,
                 [&](const Object* o) { return entry_of(*o).needs == object && !ended.contains(o); }) ||
             (object != subtree.front() && !ended.contains(entry_of(*object).parent));
    };
    for (bool one_more = true; one_more;) {
      one_more = false;
      for (const Object* object : subtree) {
        if (!ended.contains(object) && !is_owned(object)) one_more = ended.insert(object).second;
      }
    }
    return ended.size() == subtree.size();
  }
  // The expected holders, oldest first, with their current names.
  std::vector<Holder> holders(const Object& object) const {
    std::vector<Holder> holders;
    for (const Object* holder : needs_) {
      const Entry& entry = entry_of(*holder);
      if (entry.needs == &object) holders.push_back({"random-node", entry.name});
    }
    return holders;
  }

  std::vector<Entry> entries_;
  std::vector<Object*> needs_;  // objects with a strong link, in the order in which it was set
  int moves_ = 0;
};

enum class Step { add, add_numbered, remove, move, link, hold, let_go };

TEST(TreeHistoryTest, any_history_of_changes_leaves_the_tree_that_a_model_predicts) {
  ASSERT_TRUE(register_type(Node::type_info));
  EXPECT_TRUE(rc::check("a random history", [] {
    {
      Model model;
      const auto any = [&]() -> Entry& { return model.pick(*rc::gen::inRange<std::size_t>(0, 1000)); };
      const auto length = *rc::gen::inRange<std::size_t>(100, 200);
      for (std::size_t i = 0; i < length; ++i) {
        // Mostly additions, so that there is something to remove.
        const auto step = *rc::gen::weightedElement<Step>({{6, Step::add},
                                                           {2, Step::add_numbered},
                                                           {3, Step::remove},
                                                           {2, Step::move},
                                                           {2, Step::link},
                                                           {2, Step::hold},
                                                           {1, Step::let_go}});
        Entry& entry =
            model.pick(*rc::gen::element<std::size_t>(0, 0, 0, 1, *rc::gen::inRange<std::size_t>(0, 1000)));
        const auto name = *rc::gen::elementOf(kNames);
        switch (step) {
          case Step::add:
            model.add(*entry.object, name);
            break;
          case Step::add_numbered:
            model.add_numbered(*entry.object);
            break;
          case Step::remove:
            model.remove(Entry(any()));
            break;
          case Step::move:
            model.move(Entry(any()), *entry.object, name);
            break;
          case Step::link:
            model.link(any(), any(), false);
            break;
          case Step::hold:
            model.link(any(), any(), true);
            break;
          case Step::let_go:
            model.let_go(any());
            break;
        }
        model.check();
      }
    }
    // Objects that hold each other in a cycle would never be destroyed.
    object_child_foreach_recursive(objects_root(), [](Object& object) {
      (void)object.set_property("needs", Json(""));
      return 0;
    });
    objects_cleanup();
    RC_ASSERT(alive == 0);
  }));
}

}  // namespace tree_property_test
}  // namespace qomio
