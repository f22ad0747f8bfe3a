// SPDX-License-Identifier: GPL-2.0-or-later
// Random histories of the tree, beside a model that is a plain table of names: whatever is done in whatever
// order, both agree after every step.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "qomio/object/link.h"
#include "qomio/object/tree.h"
#include "qomio/object/types.h"

namespace qomio {
namespace {

class Node final : public Object {
 public:
  static const TypeInfo type_info;

 private:
  static void class_init(ObjectClass& klass) { klass.add(link("friend", &Node::friend_)); }
  Link<Node> friend_;
};

const TypeInfo Node::type_info{
    .name = "random-node", .parent = "object", .create = create<Node>, .class_init = class_init};

const std::vector<std::string> kNames{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "type", "friend"};

// What the tree should be: each object with its parent, oldest first.
struct Entry {
  Ref<Object> object;
  Object* parent;
  std::string name;
  Object* linked = nullptr;
};

class Model {
 public:
  explicit Model(Object& top) { entries_.push_back({Ref<Object>(top), nullptr, ""}); }

  Entry& pick(std::size_t number) { return entries_[number % entries_.size()]; }

  void add(Object& parent, const std::string& name) {
    const Ref<Object> object = *object_new("random-node");
    const bool taken = find(parent, name) != nullptr || name == "type" || name == "friend";
    RC_ASSERT(parent.add_child(name, *object).has_value() == !taken);
    if (!taken) entries_.push_back({object, &parent, name});
  }

  void remove(Object& object) {
    if (&object == top()) return;
    object_unparent(object);
    RC_ASSERT(object.parent() == nullptr);
    // What lies below it stays below it until the last reference goes, which is the model's.
    std::vector<Object*> gone{&object};
    for (std::size_t i = 0; i < gone.size(); ++i) {
      for (const Entry& entry : entries_) {
        if (entry.parent == gone[i]) gone.push_back(entry.object.get());
      }
    }
    auto is_gone = [&](const Object* o) { return std::ranges::find(gone, o) != gone.end(); };
    for (auto it = gone.rbegin(); it != gone.rend(); ++it) object_unparent(**it);
    std::erase_if(entries_, [&](const Entry& entry) { return is_gone(entry.object.get()); });
    for (Entry& entry : entries_) {
      if (is_gone(entry.linked)) entry.linked = nullptr;
    }
  }

  void link(Entry& from, Object& to) {
    if (from.object.get() == top() || &to == top()) return;
    RC_ASSERT(from.object->set_property("friend", Json(path(to))).has_value());
    from.linked = &to;
  }

  // Every object, path, child list, partial look-up and link.
  void check() const {
    std::map<std::string, int> by_name;
    for (const Entry& entry : entries_) ++by_name[entry.name];
    for (const Entry& entry : entries_) {
      if (!entry.parent) continue;
      RC_ASSERT(entry.object->parent() == entry.parent);
      RC_ASSERT(entry.parent->child(entry.name) == entry.object.get());
      RC_ASSERT(object_get_canonical_path(*entry.object) == path(*entry.object));
      RC_ASSERT(object_resolve_path(path(*entry.object)).object == entry.object.get());
      const Resolved partial = object_resolve_path_type(entry.name, "random-node");
      RC_ASSERT(partial.ambiguous == (by_name[entry.name] > 1));
      RC_ASSERT(partial.object == (partial.ambiguous ? nullptr : entry.object.get()));
      const std::string linked = entry.linked ? path(*entry.linked) : "";
      RC_ASSERT(*entry.object->get_property("friend") == Json(linked));
      if (entry.linked)
        RC_ASSERT(object_resolve_path(path(*entry.object) + "/friend").object == entry.linked);
    }
    for (const Entry& parent : entries_) {
      std::vector<Object*> expected;
      for (const Entry& entry : entries_) {
        if (entry.parent == parent.object.get()) expected.push_back(entry.object.get());
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
  Object* top() const { return entries_.front().object.get(); }
  const Entry* find(const Object& parent, const std::string& name) const {
    for (const Entry& entry : entries_) {
      if (entry.parent == &parent && entry.name == name) return &entry;
    }
    return nullptr;
  }
  std::string path(const Object& object) const {
    if (&object == top()) return "/random";
    const auto it =
        std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.object.get() == &object; });
    return path(*it->parent) + "/" + it->name;
  }

  std::vector<Entry> entries_;
};

enum class Step { add, remove, link };

TEST(TreeHistoryTest, TheTreeIsWhatItsHistorySays) {
  register_object_types();
  ASSERT_TRUE(register_type(Node::type_info));
  EXPECT_TRUE(rc::check("a random history", [] {
    const Ref<Object> top = *object_new("container");
    RC_ASSERT(object_root().add_child("random", *top).has_value());
    {
      Model model(*top);
      const auto length = *rc::gen::inRange<std::size_t>(100, 200);
      for (std::size_t i = 0; i < length; ++i) {
        // Mostly additions, so that there is something to remove.
        const auto step =
            *rc::gen::weightedElement<Step>({{6, Step::add}, {2, Step::remove}, {2, Step::link}});
        Entry& entry =
            model.pick(*rc::gen::element<std::size_t>(0, 0, 0, 1, *rc::gen::inRange<std::size_t>(0, 1000)));
        if (step == Step::add) {
          const auto name = *rc::gen::elementOf(kNames);
          if (entry.object == top && name == "friend") continue;  // a name like any other, for a container
          model.add(*entry.object, name);
        } else if (step == Step::remove) {
          model.remove(*Ref<Object>(entry.object));
        } else {
          model.link(entry, *model.pick(*rc::gen::inRange<std::size_t>(0, 1000)).object);
        }
        model.check();
      }
    }
    object_unparent(*top);
  }));
}

}  // namespace
}  // namespace qomio
