// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/user_creatable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/object/link.h"
#include "qomio/object/object.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> log;
int alive = 0;

enum class Finish { matt, gloss };

}  // namespace

template <>
inline constexpr auto enum_description<Finish> =
    EnumDescription("Finish", value(Finish::matt, "matt"), value(Finish::gloss, "gloss"));

namespace {

struct Screw {
  std::string kind;
  std::uint8_t length = 0;
  static constexpr std::string_view type_name = "Screw";
  static constexpr auto members = member_list(member("kind", &Screw::kind), member("length", &Screw::length));
};

// Has a property of each kind that object-add checks differently; setters and hooks are logged.
class Widget : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  Widget() { ++alive; }
  ~Widget() override { --alive; }

  Result<void> complete() override {
    log.push_back("complete " + name() + " " + std::to_string(width_));
    if (fails_) return error("the widget is broken");
    if (helper_) {
      auto made = object_new_with_props("widget", *this, "inner", {});
      if (!made) return failure(made);
    }
    return {};
  }
  bool can_be_deleted() const override { return !busy_; }

 private:
  Result<void> set_note(std::string note) {
    log.push_back("note " + note);
    if (note == "bad") return error("bad note");
    note_ = std::move(note);
    return {};
  }
  std::string note() const { return note_; }
  std::int64_t area() const { return width_ * height_; }
  Result<void> changed() {
    log.push_back("changed " + std::to_string(area()));
    if (area() == 13) return error("unlucky area");
    return {};
  }

  std::int64_t width_ = 1;
  std::int64_t height_ = 1;
  std::uint8_t depth_ = 0;
  Finish finish_ = Finish::matt;
  std::vector<Screw> screws_;
  std::string note_;
  bool fails_ = false;
  bool busy_ = false;
  bool helper_ = false;
  StrongLink<Widget> uses_;

  static void class_init(ObjectClass& klass) {
    klass.add(property("width", &Widget::width_).range(0, 100).on_change(&Widget::changed));
    klass.add(property("height", &Widget::height_).range(0, 100).on_change(&Widget::changed));
    klass.add(property("depth", &Widget::depth_));
    klass.add(property("finish", &Widget::finish_));
    klass.add(property("screws", &Widget::screws_));
    klass.add(property("note", &Widget::note, &Widget::set_note));
    klass.add(property("fails", &Widget::fails_).until_complete());
    klass.add(property("busy", &Widget::busy_));
    klass.add(property("helper", &Widget::helper_));
    klass.add(property("area", &Widget::area));
    klass.add(link("uses", &Widget::uses_));
  }
};

const TypeInfo Widget::type_info{.name = "widget",
                                 .parent = "object",
                                 .interfaces = {"user-creatable"},
                                 .create = create<Widget>,
                                 .class_init = class_init};
const TypeInfo kAbstractWidget{.name = "abstract-widget", .parent = "widget", .abstract = true};
const TypeInfo kDataWidget{.name = "data-widget", .parent = "widget"};

class UserCreatableTest : public testing::Test {
 protected:
  UserCreatableTest() {
    for (const TypeInfo* info : {&Widget::type_info, &kAbstractWidget, &kDataWidget}) {
      EXPECT_TRUE(register_type(*info));
    }
    log.clear();
  }
  ~UserCreatableTest() override {
    for (const char* id : {"a", "b", "c", "taken"}) {
      if (Object* o = objects_root().child(id)) {
        (void)o->set_property("uses", "");
        (void)o->set_property("busy", false);
      }
    }
    objects_cleanup();
    EXPECT_EQ(alive, 0);
  }

  template <class T>
  static std::string message(const Result<T>& r) {
    if (r) return "ok";
    EXPECT_EQ(r.error().error_class(), ErrorClass::GenericError);
    return r.error().message();
  }
  // Adds an object from JSON text.
  static std::string add(std::string_view options) {
    const auto json = parse_json(options);
    EXPECT_TRUE(json) << options;
    return message(user_creatable_add(*json));
  }
  static std::string add_json(const Json& options) { return message(user_creatable_add(options)); }
  // Adds a widget called x with these further members.
  static std::string add_widget(std::string_view members) {
    return add(R"({"qom-type": "widget", "id": "x", )" + std::string(members) + "}");
  }
  static Json value(std::string_view id, std::string_view property) {
    return *objects_root().child(id)->get_property(property);
  }
};

TEST_F(UserCreatableTest, an_object_is_created_set_added_and_then_completed) {
  EXPECT_EQ(add(R"({"height": 3, "id": "a", "width": 2, "qom-type": "widget", "finish": "gloss",
                    "screws": [{"kind": "wood", "length": 5}]})"),
            "ok");
  EXPECT_THAT(log, Contains("complete a 2")) << "properties are set and the name is known by then";
  EXPECT_EQ(value("a", "area"), 6);
  EXPECT_EQ(value("a", "finish"), "gloss");
  EXPECT_EQ(json_text(value("a", "screws")), R"([{"kind": "wood", "length": 5}])");
  EXPECT_TRUE(objects_root().child("a")->is_complete());
}

TEST_F(UserCreatableTest, the_type_must_be_known_concrete_and_user_creatable) {
  for (const char* type : {"nope", "", "Widget", "widget ", "object", "container", "interface",
                           "user-creatable", "abstract-widget"}) {
    EXPECT_EQ(add_json(Json{{"qom-type", type}, {"id", "x"}}),
              "Parameter 'qom-type' does not accept value '" + std::string(type) + "'");
  }
  EXPECT_EQ(add(R"({"qom-type": "data-widget", "id": "a"})"), "ok") << "a type from data alone is one, too";
}

TEST_F(UserCreatableTest, each_check_has_its_error_text) {
  ASSERT_EQ(add(R"({"qom-type": "widget", "id": "taken"})"), "ok");
  EXPECT_EQ(add("{}"), "Parameter 'qom-type' is missing");
  EXPECT_EQ(add(R"({"qom-type": 1, "id": "x"})"), "Invalid parameter type for 'qom-type', expected: string");
  EXPECT_EQ(add(R"({"qom-type": "widget"})"), "Parameter 'id' is missing");
  EXPECT_EQ(add(R"({"qom-type": "widget", "id": null})"),
            "Invalid parameter type for 'id', expected: string");
  EXPECT_EQ(add_widget(R"("width": 1.0)"), "Invalid parameter type for 'width', expected: integer");
  EXPECT_EQ(add_widget(R"("depth": 256)"), "Parameter 'depth' expects uint8_t");
  EXPECT_EQ(add_widget(R"("finish": "rough")"), "Parameter 'finish' does not accept value 'rough'");
  EXPECT_EQ(add_widget(R"("screws": [{"kind": "wood", "length": 1, "z": 1}])"),
            "Parameter 'screws[0].z' is unexpected");
  EXPECT_EQ(add_widget(R"("foo": 1)"), "Parameter 'foo' is unexpected");
  EXPECT_EQ(add_widget(R"("type": "widget")"), "Parameter 'type' is unexpected") << "read-only";
  EXPECT_EQ(add_widget(R"("area": 1)"), "Parameter 'area' is unexpected");
  EXPECT_EQ(add_widget(R"("width": 101)"), "width value must be in range [0, 100]");
  EXPECT_EQ(add_widget(R"("note": "bad")"), "bad note");
  EXPECT_EQ(add_widget(R"("uses": "taken", "width": 13)"), "unlucky area");
  EXPECT_EQ(add(R"({"qom-type": "widget", "id": "taken"})"),
            "attempt to add duplicate property 'taken' to object (type 'container')");
  EXPECT_EQ(add(R"({"qom-type": "widget", "id": "type"})"),
            "attempt to add duplicate property 'type' to object (type 'container')");
  EXPECT_EQ(add_widget(R"("fails": true)"), "the widget is broken");
  EXPECT_EQ(alive, 1);
  EXPECT_FALSE(objects_root().child("x"));
}

// The checks in the order in which they are made: the member that fails each, and the error message.
struct Check {
  const char* name;
  std::string_view member;  // set to `value`, or left out if that is empty
  std::string_view value;
  std::string_view text;
};
constexpr Check kChecks[] = {
    {"no type", "qom-type", "", "Parameter 'qom-type' is missing"},
    {"type no string", "qom-type", "1", "Invalid parameter type for 'qom-type', expected: string"},
    {"unknown type", "qom-type", R"("nope")", "Parameter 'qom-type' does not accept value 'nope'"},
    {"no id", "id", "", "Parameter 'id' is missing"},
    {"id no string", "id", "[]", "Invalid parameter type for 'id', expected: string"},
    {"wrong JSON type", "height", R"("1")", "Invalid parameter type for 'height', expected: integer"},
    {"unknown member", "foo", "1", "Parameter 'foo' is unexpected"},
    {"ill-formed id", "id", R"("1x")", "Parameter 'id' expects an identifier"},
    {"out of range", "width", "-1", "width value must be in range [0, 100]"},
    {"id taken", "id", R"("taken")",
     "attempt to add duplicate property 'taken' to object (type 'container')"},
    {"completion", "fails", "true", "the widget is broken"},
};

class ObjectAddOrderTest : public UserCreatableTest, public testing::WithParamInterface<bool> {};

TEST_P(ObjectAddOrderTest, of_two_mistakes_the_one_that_is_checked_first_is_reported) {
  ASSERT_EQ(add(R"({"qom-type": "widget", "id": "taken"})"), "ok");
  const bool backwards = GetParam();  // the order of the client's members must not matter
  for (std::size_t i = 0; i < std::size(kChecks); ++i) {
    for (std::size_t j = i; j < std::size(kChecks); ++j) {
      const Check& first = kChecks[i];
      const Check& second = kChecks[j];
      if (i != j && first.member == second.member) continue;  // a member can have only one of the two values
      std::vector<std::pair<std::string_view, std::string_view>> members{{"qom-type", R"("widget")"},
                                                                         {"id", R"("x")"}};
      for (const Check* c : {&first, &second}) {
        std::erase_if(members, [&](const auto& m) { return m.first == c->member; });
        if (!c->value.empty()) members.emplace_back(c->member, c->value);
      }
      if (backwards) std::ranges::reverse(members);
      Json options = Json::object();
      for (const auto& [name, text] : members) options[std::string(name)] = *parse_json(text);
      EXPECT_EQ(add_json(options), first.text)
          << first.name << " and " << second.name << ": " << json_text(options);
      EXPECT_EQ(alive, 1) << "nothing is left of it";
      EXPECT_FALSE(objects_root().child("x"));
    }
  }
}
INSTANTIATE_TEST_SUITE_P(ClientsOrder, ObjectAddOrderTest, testing::Values(false, true));

TEST_F(UserCreatableTest, types_are_checked_in_order_of_declaration_and_ranges_in_the_clients_order) {
  EXPECT_EQ(add_widget(R"("height": "y", "width": "x")"),
            "Invalid parameter type for 'width', expected: integer");
  EXPECT_EQ(add_widget(R"("height": -1, "width": -1)"), "height value must be in range [0, 100]");
  EXPECT_EQ(add_widget(R"("width": -1, "height": -1)"), "width value must be in range [0, 100]");
  EXPECT_EQ(add_widget(R"("foo": 1, "bar": 1)"), "Parameter 'foo' is unexpected");
}

TEST_F(UserCreatableTest, nothing_is_set_before_all_values_are_checked) {
  EXPECT_EQ(add_widget(R"("note": "n", "width": 101)"), "width value must be in range [0, 100]");
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(UserCreatableTest, identifiers_begin_with_a_letter) {
  for (const char* id : {"a", "Z", "a-b", "a_b", "a.b", "a1", "Z-._9"}) EXPECT_TRUE(is_identifier(id)) << id;
  EXPECT_TRUE(is_identifier(std::string(100'000, 'a')));
  for (const char* id : {"", "1a", "-a", "_a", ".a", "#a", "a b", "a/b", "/a", "a,b", "a\xc3\xa9", "a:b",
                         "a@b", "a%b", "a[0]", "\n", " ", "a\t", "a[*]"}) {
    EXPECT_FALSE(is_identifier(id)) << id;
    EXPECT_EQ(add_json(Json{{"qom-type", "widget"}, {"id", id}}), "Parameter 'id' expects an identifier")
        << id;
  }
  EXPECT_FALSE(is_identifier(std::string_view("a\0", 2)));
  const auto refused = user_creatable_add(Json{{"qom-type", "widget"}, {"id", "1a"}});
  EXPECT_EQ(refused.error().hint(),
            "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.");
}

TEST_F(UserCreatableTest, an_object_that_is_added_again_starts_with_defaults) {
  for (int i = 1; i <= 3; ++i) {
    ASSERT_EQ(add_json(Json{{"qom-type", "widget"}, {"id", "a"}, {"width", i}}), "ok");
    EXPECT_EQ(value("a", "width"), i);
    EXPECT_EQ(add_json(Json{{"qom-type", "widget"}, {"id", "a"}}),
              "attempt to add duplicate property 'a' to object (type 'container')");
    EXPECT_EQ(message(user_creatable_del("a")), "ok");
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(message(user_creatable_del("a")), "object 'a' not found");
  }
}

TEST_F(UserCreatableTest, a_failed_completion_frees_the_id) {
  EXPECT_EQ(add(R"({"qom-type": "widget", "id": "a", "fails": true})"), "the widget is broken");
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(add(R"({"qom-type": "widget", "id": "a"})"), "ok");
}

TEST_F(UserCreatableTest, only_ids_of_objects_can_be_deleted) {
  ASSERT_EQ(add(R"({"qom-type": "widget", "id": "a", "helper": true})"), "ok");
  for (const char* id : {"", "nope", "A", "/objects/a", "a/", "a/inner", "inner", "type", "objects"}) {
    EXPECT_EQ(message(user_creatable_del(id)), "object '" + std::string(id) + "' not found");
  }
  EXPECT_EQ(message(user_creatable_del("a")), "ok");
  EXPECT_EQ(alive, 0) << "children go with it";
}

TEST_F(UserCreatableTest, an_object_in_use_can_not_be_deleted) {
  ASSERT_EQ(add(R"({"qom-type": "widget", "id": "a"})"), "ok");
  ASSERT_EQ(add(R"({"qom-type": "widget", "id": "b", "uses": "a"})"), "ok");
  EXPECT_EQ(message(user_creatable_del("a")), "object 'a' is in use, can not be deleted (held by: widget b)");
  EXPECT_EQ(message(user_creatable_del("b")), "ok") << "whoever uses may go";
  EXPECT_EQ(message(user_creatable_del("a")), "ok") << "and gives back what it held";

  ASSERT_EQ(add(R"({"qom-type": "widget", "id": "c", "busy": true})"), "ok");
  const auto refused = user_creatable_del("c");
  EXPECT_EQ(message(refused), "object 'c' is in use, can not be deleted");
  EXPECT_EQ(refused.error().data(), "") << "nobody holds it, it refuses itself";
  ASSERT_TRUE(objects_root().child("c")->set_property("busy", false));
  EXPECT_EQ(message(user_creatable_del("c")), "ok");
}

TEST_F(UserCreatableTest, an_object_whose_child_is_in_use_can_not_be_deleted) {
  ASSERT_EQ(add(R"({"qom-type": "widget", "id": "a", "helper": true})"), "ok");
  ASSERT_EQ(add(R"({"qom-type": "widget", "id": "b", "uses": "/objects/a/inner"})"), "ok");
  const auto refused = user_creatable_del("a");
  EXPECT_EQ(message(refused), "object 'a' is in use, can not be deleted (held by: widget b)");
  EXPECT_EQ(refused.error().data(), R"({"holders": [{"kind": "widget", "name": "b"}]})");
  ASSERT_TRUE(objects_root().child("b")->set_property("uses", ""));
  EXPECT_EQ(message(user_creatable_del("a")), "ok");
}

TEST_F(UserCreatableTest, a_link_of_an_object_that_fails_to_complete_holds_nothing) {
  ASSERT_EQ(add(R"({"qom-type": "widget", "id": "a"})"), "ok");
  EXPECT_EQ(add(R"({"qom-type": "widget", "id": "b", "uses": "a", "fails": true})"), "the widget is broken");
  EXPECT_EQ(message(user_creatable_del("a")), "ok");
}

TEST_F(UserCreatableTest, a_deleted_object_lives_as_long_as_it_is_referenced) {
  const auto kept = user_creatable_add(Json{{"qom-type", "widget"}, {"id", "a"}});
  ASSERT_TRUE(kept);
  EXPECT_EQ(message(user_creatable_del("a")), "ok");
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(*(*kept)->get_property("width"), 1);
}

TEST_F(UserCreatableTest, options_are_converted_from_text) {
  const Json options{{"qom-type", "widget"}, {"id", "a"},
                     {"width", "0x10"},      {"fails", "off"},
                     {"finish", "gloss"},    {"screws", Json::array({{{"kind", "x"}, {"length", "7"}}})}};
  EXPECT_EQ(message(user_creatable_add(options, Scalars::text)), "ok");
  EXPECT_EQ(value("a", "width"), 16);
  EXPECT_EQ(json_text(value("a", "screws")), R"([{"kind": "x", "length": 7}])");
}

TEST_F(UserCreatableTest, options_of_the_wrong_form_are_refused_in_terms_of_the_command_line) {
  const auto add_text = [](const Json& extra) {
    Json options{{"qom-type", "widget"}, {"id", "x"}};
    options.update(extra);
    return message(user_creatable_add(options, Scalars::text));
  };
  EXPECT_EQ(add_text({{"width", "x"}}), "Parameter 'width' expects integer");
  EXPECT_EQ(add_text({{"width", Json{{"a", "1"}}}}), "Parameters 'width.*' are unexpected");
  EXPECT_EQ(add_text({{"qom-type", Json{{"a", "1"}}}}), "Parameters 'qom-type.*' are unexpected");
  EXPECT_EQ(add_text({{"id", Json{{"a", "x"}}}}), "Parameters 'id.*' are unexpected");
  EXPECT_EQ(add_text({{"fails", "1"}}), "Parameter 'fails' expects 'on' or 'off'");
  EXPECT_EQ(add_text({{"screws", "x"}}), "Invalid parameter type for 'screws', expected: array");
  EXPECT_EQ(add_text({{"screws", Json::array({"x"})}}),
            "Invalid parameter type for 'screws.0', expected: object");
  EXPECT_EQ(add_text({{"foo", Json{{"a", "x"}}}}), "Parameter 'foo' is unexpected");
}

TEST_F(UserCreatableTest, lists_only_types_that_users_may_create) {
  std::vector<std::string> names;
  for (const auto* klass : user_creatable_classes()) names.push_back(klass->name());
  EXPECT_THAT(names, Contains("widget"));
  EXPECT_THAT(names, Contains("data-widget"));
  for (const char* name : {"object", "container", "interface", "user-creatable", "abstract-widget"}) {
    EXPECT_THAT(names, Not(Contains(name)));
  }
}

TEST_F(UserCreatableTest, setting_several_properties_runs_a_shared_hook_once_and_undoes_all) {
  ASSERT_EQ(add(R"({"qom-type": "widget", "id": "a", "width": 2, "height": 2})"), "ok");
  Object& a = *objects_root().child("a");
  log.clear();
  EXPECT_TRUE(object_set_props(a, Json{{"width", 3}, {"height", 4}, {"note", "n"}}));
  EXPECT_THAT(log, ElementsAre("note n", "changed 12"));
  log.clear();
  EXPECT_EQ(message(object_set_props(a, Json{{"width", 13}, {"note", "m"}, {"height", 1}})), "unlucky area");
  EXPECT_THAT(log, ElementsAre("note m", "changed 13", "note n", "changed 12"))
      << "applied, undone, newest first";
  EXPECT_EQ(value("a", "area"), 12);
  EXPECT_EQ(value("a", "note"), "n");
}

TEST_F(UserCreatableTest, a_setter_that_refuses_undoes_what_was_set_before) {
  ASSERT_EQ(add(R"({"qom-type": "widget", "id": "a"})"), "ok");
  Object& a = *objects_root().child("a");
  log.clear();
  EXPECT_EQ(message(object_set_props(a, Json{{"width", 5}, {"note", "bad"}, {"height", 6}})), "bad note");
  EXPECT_EQ(value("a", "width"), 1);
  EXPECT_EQ(value("a", "height"), 1);
  EXPECT_THAT(log, Not(Contains("note "))) << "what was never stored is not put back";
}

// Creates another one below itself, until `levels` is 0.
class Matryoshka final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  Result<void> complete() override {
    if (levels_ == 0) return {};
    auto inner = object_new_with_props("matryoshka", *this, "inner", {{"levels", levels_ - 1}});
    return inner ? Result<void>() : failure(inner);
  }
  std::int64_t levels_ = 0;
};
const TypeInfo Matryoshka::type_info{
    .name = "matryoshka",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Matryoshka>,
    .class_init = [](ObjectClass& klass) { klass.add(property("levels", &Matryoshka::levels_)); },
};

TEST_F(UserCreatableTest, objects_that_create_each_other_endlessly_are_refused) {
  ASSERT_TRUE(register_type(Matryoshka::type_info));
  const auto with_levels = [](int levels) {
    return user_creatable_add({{"qom-type", "matryoshka"}, {"id", "m"}, {"levels", levels}});
  };
  EXPECT_EQ(message(with_levels(100'000)),
            "object 'inner' can't be created: objects create each other at most 500 levels deep");
  EXPECT_TRUE(objects_root().is_empty());
  EXPECT_EQ(message(with_levels(499)), "ok");
  EXPECT_EQ(message(user_creatable_del("m")), "ok");
}

TEST_F(UserCreatableTest, objects_of_the_program_are_not_deleted_by_users) {
  ASSERT_TRUE(register_type(Matryoshka::type_info));
  ASSERT_TRUE(objects_root().add_child("folder", **object_new("container")));
  ASSERT_TRUE(objects_root().add_child("by-hand", **object_new("matryoshka")));
  ASSERT_TRUE(object_new_with_props("matryoshka", objects_root(), "#own", {}));
  EXPECT_EQ(message(user_creatable_del("folder")),
            "object 'folder' belongs to the program, can not be deleted");
  EXPECT_EQ(message(user_creatable_del("by-hand")),
            "object 'by-hand' belongs to the program, can not be deleted");
  EXPECT_EQ(message(user_creatable_del("#own")), "object '#own' not found");
  EXPECT_NE(objects_root().child("#own"), nullptr);
}

}  // namespace
}  // namespace qomio
