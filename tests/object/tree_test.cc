// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/object/link.h"
#include "qomio/object/object.h"
#include "qomio/object/object_new.h"
#include "qomio/object/property.h"

namespace qomio {
namespace tree_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> log;

// Logs when it leaves the tree and when it is destroyed; has a link.
class Node : public Object {
 public:
  static const TypeInfo type_info;
  ~Node() override { log.push_back("~" + label); }

  std::string label;
  WeakLink<Object> to;
  Ref<Object> friend_to;  // released when it leaves the tree

 protected:
  void unparent() override {
    EXPECT_NE(parent(), nullptr) << "told before the parent is cleared";
    log.push_back("unparent " + name());
    friend_to = nullptr;
  }
};

const TypeInfo Node::type_info{
    .name = "node",
    .parent = "object",
    .create = create<Node>,
    .class_init =
        [](ObjectClass& klass) {
          klass.add(property("label", &Node::label));
          klass.add(link("to", &Node::to));
        },
};

class TreeTest : public testing::Test {
 protected:
  TreeTest() {
    log.clear();
    EXPECT_TRUE(register_type(Node::type_info));
  }
  ~TreeTest() override {
    for (const auto& child : top_) object_unparent(*child);
  }

  // Adds a node below the root or another object. The tree owns it.
  Node& node(std::string_view name, Object& parent = object_root()) {
    auto made = object_new("node");
    EXPECT_TRUE(made);
    auto& n = object_check<Node>(**made);
    n.label = name;
    const auto added = parent.add_child(name, n);
    EXPECT_TRUE(added) << added.error().message();
    if (&parent == &object_root()) top_.emplace_back(*made);
    return n;
  }
  static std::string path(const Object& object) {
    return object_get_canonical_path(object).value_or("nowhere");
  }
  // Returns the path of the object to which a path resolves.
  static std::string find(std::string_view p) {
    const Resolved r = object_resolve_path(p);
    return r.ambiguous ? "ambiguous" : r.object ? path(*r.object) : "nothing";
  }
  static std::string find(std::string_view p, std::string_view type) {
    const Resolved r = object_resolve_path_type(p, type);
    return r.ambiguous ? "ambiguous" : r.object ? path(*r.object) : "nothing";
  }

 private:
  std::vector<Ref<Object>> top_;
};

TEST_F(TreeTest, the_roots_exist_from_the_start) {
  EXPECT_EQ(object_root().child("objects"), &objects_root());
  EXPECT_EQ(path(object_root()), "/");
  EXPECT_EQ(path(objects_root()), "/objects");
  EXPECT_EQ(objects_root().type_name(), "container");
  EXPECT_EQ(find("/"), "/");
  EXPECT_EQ(find("/objects"), "/objects");
}

TEST_F(TreeTest, a_canonical_path_consists_of_the_names_from_the_root) {
  Node& a = node("a");
  Node& b = node("b", a);
  EXPECT_EQ(path(b), "/a/b");
  EXPECT_EQ(b.name(), "b");
  EXPECT_EQ(b.parent(), &a);
}

TEST_F(TreeTest, an_object_outside_the_tree_has_no_path) {
  auto loose = *object_new("node");
  EXPECT_EQ(object_get_canonical_path(*loose), std::nullopt);
  EXPECT_EQ(object_get_canonical_path(internal_root()), std::nullopt);
  ASSERT_TRUE(internal_root().add_child("hidden", *loose));
  EXPECT_EQ(object_get_canonical_path(*loose), std::nullopt);
  EXPECT_EQ(find("hidden"), "nothing");
  EXPECT_EQ(find("/hidden"), "nothing");
  object_unparent(*loose);
}

TEST_F(TreeTest, absolute_paths_follow_children_and_links) {
  Node& a = node("a");
  Node& b = node("b", a);
  Node& other = node("other");
  EXPECT_EQ(find("/a/b"), "/a/b");
  EXPECT_EQ(find("/a/to"), "nothing") << "the link is empty";
  other.to.assign(&b, other);
  EXPECT_EQ(find("/other/to"), "/a/b");
  b.to.assign(&other, b);
  EXPECT_EQ(find("/other/to/to/to"), "/a/b") << "links may form a ring";
  EXPECT_EQ(find("/a/label"), "nothing") << "a property that leads nowhere";
  EXPECT_EQ(find("/b"), "nothing");
  EXPECT_EQ(find("/a/b/c"), "nothing");
}

TEST_F(TreeTest, extra_slashes_are_ignored_and_dots_are_ordinary_names) {
  Node& a = node("a");
  node("b", a);
  for (const char* p : {"//", "///"}) EXPECT_EQ(find(p), "/") << p;
  for (const char* p : {"/a/b/", "//a//b//", "a/b", "a/b/", "a//b", "b/", "b"})
    EXPECT_EQ(find(p), "/a/b") << p;
  for (const char* p : {"./a", "..", ".", "/.", "/..", "/a/./b", "/a/../a", " a", "A", "/A", " "}) {
    EXPECT_EQ(find(p), "nothing") << p;
  }
}

TEST_F(TreeTest, partial_paths_match_the_end_of_paths_through_children_only) {
  Node& a = node("a");
  Node& b = node("b", a);
  Node& c = node("c", b);
  EXPECT_EQ(find("c"), "/a/b/c");
  EXPECT_EQ(find("b/c"), "/a/b/c");
  EXPECT_EQ(find("a/b/c"), "/a/b/c");
  EXPECT_EQ(find("a/c"), "nothing");
  EXPECT_EQ(find("x/a/b/c"), "nothing") << "longer than any path";
  c.to.assign(&a, c);
  EXPECT_EQ(find("c/to"), "nothing") << "links are not followed";
  EXPECT_EQ(find("to/b"), "nothing");
}

TEST_F(TreeTest, several_matches_are_ambiguous_even_an_ancestor_and_its_descendant) {
  Node& a = node("a");
  node("a", a);
  EXPECT_EQ(find("a"), "ambiguous");
  EXPECT_EQ(find("a/a"), "/a/a");
  EXPECT_EQ(find("/a"), "/a");
  EXPECT_EQ(find(""), "ambiguous") << "everything";
  EXPECT_EQ(object_resolve_path("a").object, nullptr);
}

TEST_F(TreeTest, a_lookup_with_a_type_ignores_objects_of_other_types) {
  Node& a = node("a");
  auto box = *object_new("container");
  ASSERT_TRUE(a.add_child("a", *box));
  EXPECT_EQ(find("a"), "ambiguous");
  EXPECT_EQ(find("a", "node"), "/a");
  EXPECT_EQ(find("a", "container"), "/a/a");
  EXPECT_EQ(find("a", "object"), "ambiguous");
  EXPECT_EQ(find("/a", "container"), "nothing") << "an absolute path leads to one object, of the type or not";
  EXPECT_EQ(find("/a/a", "container"), "/a/a");
  EXPECT_EQ(find("a", "no-such-type"), "nothing");
  EXPECT_EQ(find("", "node"), "/a") << "everything of that type";
}

TEST_F(TreeTest, a_child_has_one_parent_and_can_not_be_below_itself) {
  Node& a = node("a");
  Node& b = node("b", a);
  Node& other = node("other");
  const auto second = other.add_child("again", b);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr("already has a parent"));
  EXPECT_EQ(path(b), "/a/b");
  auto loose = *object_new("node");
  EXPECT_FALSE(loose->add_child("x", *loose));
  ASSERT_TRUE(loose->add_child("below", object_check<Node>(**object_new("node"))));
  Object* below = loose->child("below");
  EXPECT_FALSE(below->add_child("x", *loose)) << "a ring";
}

TEST_F(TreeTest, a_name_is_unique_among_children_and_properties) {
  Node& a = node("a");
  node("b", a);
  auto loose = *object_new("node");
  for (const char* name : {"b", "type", "label", "to"}) {
    const auto added = a.add_child(name, *loose);
    ASSERT_FALSE(added) << name;
    EXPECT_EQ(added.error().message(),
              "attempt to add duplicate property '" + std::string(name) + "' to object (type 'node')");
  }
  EXPECT_EQ(loose->parent(), nullptr);
  const auto added = a.add_property(property("b", &Node::label));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().message(), "attempt to add duplicate property 'b' to object (type 'node')");
}

TEST_F(TreeTest, a_star_is_replaced_by_the_first_free_number) {
  Node& a = node("a");
  EXPECT_EQ(node("x[*]", a).name(), "x[0]");
  EXPECT_EQ(node("x[*]", a).name(), "x[1]");
  object_unparent(*a.child("x[0]"));
  EXPECT_EQ(node("x[*]", a).name(), "x[0]");
  EXPECT_EQ(node("y[*]", a).name(), "y[0]");

  node("x[2]", a);  // with an explicit number
  EXPECT_EQ(node("x[*]", a).name(), "x[3]");
  for (const char* name : {"x[3]", "x[1]", "x[2]"}) object_unparent(*a.child(name));
  node("x[1]", a);
  EXPECT_EQ(node("x[*]", a).name(), "x[2]");
  EXPECT_EQ(node("x[*]", a).name(), "x[3]");
  EXPECT_EQ(node("x[*]", a).name(), "x[4]");
  // A refused child does not use up a number.
  EXPECT_FALSE(a.add_child("y[*]", *a.child("x[1]")));
  EXPECT_EQ(node("y[*]", a).name(), "y[1]");
}

TEST_F(TreeTest, unparent_notifies_the_object_before_it_clears_parent_and_name) {
  Ref<Object> a(node("a"));
  object_unparent(*a);
  EXPECT_THAT(log, ElementsAre("unparent a"));
  EXPECT_EQ(a->parent(), nullptr);
  EXPECT_EQ(a->name(), "");
  EXPECT_EQ(find("/a"), "nothing");
  object_unparent(*a);
  EXPECT_THAT(log, ElementsAre("unparent a")) << "an object without parent is left alone";
}

TEST_F(TreeTest, an_object_that_was_unparented_may_be_added_elsewhere) {
  Ref<Object> a(node("a"));
  object_unparent(*a);
  Node& b = node("b");
  ASSERT_TRUE(b.add_child("c", *a));
  EXPECT_EQ(path(*a), "/b/c");
}

TEST_F(TreeTest, unparent_breaks_a_ring_of_references) {
  Ref<Object> top(node("top"));
  {
    Node& a = node("a", *top);
    Node& b = node("b", *top);
    a.friend_to = Ref<Object>(b);
    b.friend_to = Ref<Object>(a);
    Node& self = node("self", *top);
    self.friend_to = Ref<Object>(self);
  }
  object_unparent(*top->child("a"));
  EXPECT_THAT(log, ElementsAre("unparent a")) << "its friend keeps it";
  object_unparent(*top->child("b"));
  EXPECT_THAT(log, ElementsAre("unparent a", "unparent b", "~a", "~b"));
  log.clear();
  object_unparent(*top->child("self"));
  EXPECT_THAT(log, ElementsAre("unparent self", "~self"));
}

TEST_F(TreeTest, children_are_removed_newest_first_with_their_parent) {
  {
    Ref<Object> top = *object_new("node");
    node("a", *top);
    node("b", *top);
    node("c", *top->child("a"));
  }
  EXPECT_THAT(log, ElementsAre("unparent b", "~b", "unparent a", "unparent c", "~c", "~a", "~"));
}

TEST_F(TreeTest, objects_of_users_are_deleted_newest_first_at_the_end) {
  node("first", objects_root());
  node("second", objects_root());
  objects_cleanup();
  EXPECT_THAT(log, ElementsAre("unparent second", "~second", "unparent first", "~first"));
  EXPECT_TRUE(objects_root().is_empty());
  objects_cleanup();
}

TEST_F(TreeTest, a_walk_over_children_stops_when_told_and_returns_the_value) {
  Node& a = node("a");
  for (const char* name : {"x", "y", "z"}) node(name, a);
  node("inner", *a.child("x"));
  std::vector<std::string> seen;
  EXPECT_EQ(object_child_foreach(a,
                                 [&](Object& o) {
                                   seen.push_back(o.name());
                                   return 0;
                                 }),
            0);
  EXPECT_THAT(seen, ElementsAre("x", "y", "z")) << "children only, oldest first";
  seen.clear();
  EXPECT_EQ(object_child_foreach(a,
                                 [&](Object& o) {
                                   seen.push_back(o.name());
                                   return o.name() == "y" ? 7 : 0;
                                 }),
            7);
  EXPECT_THAT(seen, ElementsAre("x", "y"));
}

TEST_F(TreeTest, a_recursive_walk_visits_parents_first_and_stops_at_any_depth) {
  Node& a = node("a");
  Node& x = node("x", a);
  node("x1", x);
  node("x2", x);
  node("y", a);
  std::vector<std::string> seen;
  const auto look = [&](std::string_view last) {
    seen.clear();
    return object_child_foreach_recursive(a, [&](Object& o) {
      seen.push_back(o.name());
      return o.name() == last ? -1 : 0;
    });
  };
  EXPECT_EQ(look(""), 0);
  EXPECT_THAT(seen, ElementsAre("x", "x1", "x2", "y"));
  EXPECT_EQ(look("x1"), -1);
  EXPECT_THAT(seen, ElementsAre("x", "x1"));
}

TEST_F(TreeTest, a_walk_may_delete_the_current_child_and_its_siblings) {
  Node& a = node("a");
  for (const char* name : {"x", "y", "z"}) node(name, a);
  std::vector<std::string> seen;
  object_child_foreach(a, [&](Object& o) {
    seen.push_back(o.name());
    if (o.name() == "x") {
      object_unparent(*a.child("y"));
      node("late", a);
    }
    object_unparent(o);
    return 0;
  });
  EXPECT_THAT(seen, ElementsAre("x", "z")) << "neither one that is gone nor one that came meanwhile";
  EXPECT_TRUE(a.child("late"));
}

TEST_F(TreeTest, many_children_are_found_while_their_number_grows_and_shrinks) {
  Node& a = node("a");
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 20; ++i) node("n" + std::to_string(i), a);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(a.child("n" + std::to_string(i))) << i;
    EXPECT_FALSE(a.child("n20"));
    for (int i = 0; i < 20; ++i) {
      object_unparent(*a.child("n" + std::to_string(i)));
      EXPECT_FALSE(a.child("n" + std::to_string(i))) << i;
      EXPECT_EQ(a.child("n19") != nullptr, i < 19) << i;
    }
    EXPECT_TRUE(a.is_empty());
  }
}

TEST_F(TreeTest, releasing_the_last_reference_to_an_object_in_a_tree_aborts) {
  Node& a = node("a");
  EXPECT_DEATH(
      {
        a.unref();
        a.unref();
      },
      "still in a tree");
}

TEST_F(TreeTest, keeping_a_reference_to_an_object_during_its_destruction_aborts) {
  static Ref<Object> kept;
  const auto keep = [] {
    Ref<Object> o = *object_new("node");
    (void)o->add_property(property("own", &Node::label), [](Object& self) { kept = Ref<Object>(self); });
  };
  EXPECT_DEATH(keep(), "a reference to an object was kept beyond the object's destruction");
}

TEST_F(TreeTest, a_deep_tree_is_searched_without_recursion) {
  Object* at = &node("deep");
  for (int i = 0; i < 2000; ++i) at = &node("d", *at);
  node("bottom", *at);
  EXPECT_EQ(object_resolve_path("bottom").object->parent(), at);
  EXPECT_EQ(path(*at).size(), 5U + 2 * 2000);
  int visited = 0;
  object_child_foreach_recursive(*object_root().child("deep"), [&](Object&) { return ++visited, 0; });
  EXPECT_EQ(visited, 2001);
}

TEST_F(TreeTest, the_depth_of_the_tree_is_limited_however_it_grows) {
  const auto too_deep = "'x' can't be added: objects are nested at most 10000 levels deep";
  Object* top = &node("deep");
  Object* at = top;
  for (std::size_t level = 1; level < Object::kMaxLevels; ++level) at = &node("d", *at);
  const Ref<Object> one = *object_new("node");
  EXPECT_EQ(at->add_child("x", *one).error().message(), too_deep);
  EXPECT_EQ(one->parent(), nullptr);
  const Ref<Object> two = *object_new("node");
  ASSERT_TRUE(two->add_child("below", *one));
  EXPECT_EQ(at->parent()->add_child("x", *two).error().message(), too_deep) << "what it brings along counts";
  EXPECT_TRUE(at->parent()->parent()->add_child("x", *two));
  // The tree may also grow at the top.
  const Ref<Object> kept(*top);
  object_unparent(*top);
  const Ref<Object> folder = *object_new("node");
  EXPECT_TRUE(folder->add_child("fits", *kept));
  EXPECT_EQ(object_root().add_child("x", *folder).error().message(), too_deep);
}

TEST_F(TreeTest, the_deepest_tree_is_destroyed_without_recursion) {
  Object* at = &node("deep");
  for (std::size_t level = 1; level < Object::kMaxLevels; ++level) at = &node("d", *at);
  const std::string longest = path(*at);
  EXPECT_EQ(object_resolve_path(longest).object, at);
  log.clear();
  object_unparent(*object_root().child("deep"));
  EXPECT_EQ(object_root().child("deep"), nullptr);
}

TEST_F(TreeTest, a_private_tree_hides_the_other_until_it_is_destroyed) {
  Object& outer = node("outer");
  const std::string outer_path = path(outer);
  {
    const PrivateTree tree;
    EXPECT_EQ(object_root().child("outer"), nullptr);
    EXPECT_EQ(object_resolve_path(outer_path).object, nullptr);
    EXPECT_EQ(object_resolve_path("/objects").object, &objects_root());
    Object& inner = node("inner");
    EXPECT_EQ(path(inner), "/inner");
    EXPECT_EQ(object_resolve_path("inner").object, &inner);
    {
      const PrivateTree innermost;
      EXPECT_EQ(object_resolve_path("inner").object, nullptr);
    }
    EXPECT_EQ(object_resolve_path("inner").object, &inner);
  }
  EXPECT_EQ(object_resolve_path(outer_path).object, &outer);
  EXPECT_EQ(object_resolve_path("inner").object, nullptr);
}

TEST_F(TreeTest, a_private_tree_unparents_everything_in_it_at_its_end) {
  const Ref<Object> kept = *object_new("node");
  {
    const PrivateTree tree;
    ASSERT_TRUE(objects_root().add_child("kept", *kept));
    node("left");
    const Ref<Object> outside = *object_new("node");
    ASSERT_TRUE(internal_root().add_child("outside", *outside));
    log.clear();
  }
  EXPECT_THAT(log, ElementsAre("unparent kept", "unparent outside", "~", "unparent left"));
  EXPECT_EQ(kept->parent(), nullptr);
}

}  // namespace tree_test
}  // namespace qomio
