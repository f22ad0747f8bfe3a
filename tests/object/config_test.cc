// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "qomio/object/link.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/object/object_registry.h"

namespace qomio {
namespace {
enum class Mood { calm, cross };
}
template <>
inline constexpr auto enum_description<Mood> =
    EnumDescription("Mood", value(Mood::calm, "calm"), value(Mood::cross, "cross"));

namespace {

using testing::HasSubstr;

struct Bit {
  std::string kind;
  std::uint8_t length = 0;
  static constexpr std::string_view type_name = "Bit";
  static constexpr auto members = member_list(member("kind", &Bit::kind), member("length", &Bit::length));
};

// Has a property of each kind.
class Gadget : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  Result<void> complete() override {
    auto part = object_new_with_props("gadget-part", *this, "part", {});
    return part ? Result<void>() : failure(part);
  }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("count", &Gadget::count_).range(0, 100).default_value(7));
    klass.add(property("name", &Gadget::name_));
    klass.add(property("ratio", &Gadget::ratio_));
    klass.add(property("on", &Gadget::on_));
    klass.add(property("mood", &Gadget::mood_));
    klass.add(property("bits", &Gadget::bits_));
    klass.add(link("friend", &Gadget::friend_));
    klass.add(property("doubled", &Gadget::doubled));
    klass.add(property("secret", nullptr, &Gadget::set_secret));
  }
  std::int64_t doubled() const { return 2 * count_; }
  Result<void> set_secret(std::string) { return {}; }

  std::int64_t count_ = 7;
  std::string name_;
  double ratio_ = 0.5;
  bool on_ = false;
  Mood mood_ = Mood::calm;
  std::vector<Bit> bits_;
  WeakLink<Gadget> friend_;
};

constinit const TypeInfo Gadget::type_info{.name = "gadget",
                                           .parent = "object",
                                           .interfaces = {"user-creatable"},
                                           .create = create<Gadget>,
                                           .class_init = Gadget::class_init};

class GadgetPart : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
};
constinit const TypeInfo GadgetPart::type_info{.name = "gadget-part",
                                               .parent = "object",
                                               .interfaces = {"user-creatable"},
                                               .create = create<GadgetPart>};

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    EXPECT_TRUE(register_type(Gadget::type_info));
    EXPECT_TRUE(register_type(GadgetPart::type_info));
  }
  ~ConfigTest() override { objects_cleanup(); }

  static void add(std::string_view options) {
    const auto made = user_creatable_add(*parse_json(options));
    ASSERT_TRUE(made) << made.error().message();
  }
  static std::string config() { return json_text(to_json(*query_config())); }
  static std::string refusal(std::string_view text) {
    const auto loaded = load_config(object_registry(), text, "a.json");
    EXPECT_TRUE(objects_root().is_empty()) << "nothing is left of a configuration that is refused";
    return loaded ? "loaded" : loaded.error().message();
  }
};

TEST_F(ConfigTest, what_users_did_not_set_is_left_out) {
  EXPECT_EQ(config(), R"({"objects": []})");
  add("{'qom-type':'gadget','id':'g0'}");
  EXPECT_EQ(config(), R"({"objects": [{"qom-type": "gadget", "id": "g0"}]})");
  add("{'qom-type':'gadget','id':'g1','count':8,'mood':'cross'}");
  ASSERT_TRUE(object_set_props(*objects_root().child("g0"), {{"on", "yes"}}));
  EXPECT_EQ(config(), R"({"objects": [{"qom-type": "gadget", "id": "g0", "on": true}, )"
                      R"({"qom-type": "gadget", "id": "g1", "count": 8, "mood": "cross"}]})");
}

TEST_F(ConfigTest, a_configuration_makes_the_same_objects_again) {
  add("{'qom-type':'gadget','id':'g0','count':0,'name':'é,\\u0000\"','ratio':0.1,'on':true,'mood':'cross',"
      "'bits':[{'kind':'a','length':255},{'kind':'','length':0}],'secret':'x'}");
  add("{'qom-type':'gadget','id':'g1','friend':'g0','ratio':-1e300}");
  const std::string before = config();
  EXPECT_THAT(before, HasSubstr(R"("friend": "/objects/g0")"));
  objects_cleanup();
  const auto loaded = load_config(object_registry(), before, "before");
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(config(), before);
}

TEST_F(ConfigTest, what_an_object_links_to_comes_before_it) {
  add("{'qom-type':'gadget','id':'older'}");
  add("{'qom-type':'gadget','id':'younger'}");
  ASSERT_TRUE(object_set_props(*objects_root().child("older"), {{"friend", "younger"}}));
  const std::string before = config();
  EXPECT_LT(before.find("\"id\": \"younger\""), before.find("\"id\": \"older\""));
  objects_cleanup();
  ASSERT_TRUE(load_config(object_registry(), before, "before"));
  EXPECT_EQ(config(), before);
}

TEST_F(ConfigTest, objects_that_link_in_a_circle_are_listed_once) {
  add("{'qom-type':'gadget','id':'g0'}");
  add("{'qom-type':'gadget','id':'g1','friend':'g0'}");
  ASSERT_TRUE(object_set_props(*objects_root().child("g0"), {{"friend", "g1"}}));
  EXPECT_EQ(query_config()->objects.size(), 2U);
}

TEST_F(ConfigTest, errors_tell_the_place) {
  EXPECT_EQ(refusal("{\"objects\": [\n  {\"qom-type\": \"gadget\" \"id\": 1}\n]}"),
            "a.json:2:25: JSON parse error, expected separator in dict");
  EXPECT_EQ(refusal("{\"objects\": [\n  {\"qom-type\": \"gadget\", \"id\": \"a\"},\n"
                    "  {\"qom-type\": \"gadget\", \"id\": \"b\",\n   \"color\": \"red\"}\n]}"),
            "a.json:3:3: Parameter 'color' is unexpected");
  EXPECT_EQ(refusal("{'objects':[{'qom-type':'gadget','id':'a','bits':[{'kind':5,'length':1}]}]}"),
            "a.json:1:13: Invalid parameter type for 'bits[0].kind', expected: string");
  EXPECT_EQ(refusal("{'objects':[{'qom-type':'gadget','id':'a'}, 5]}"),
            "a.json: Invalid parameter type for 'objects[1]', expected: object");
  EXPECT_EQ(refusal("{'objects':5}"), "a.json: Invalid parameter type for 'objects', expected: array");
  EXPECT_EQ(refusal("{'things':[]}"), "a.json: Parameter 'things' is unexpected");
  EXPECT_EQ(refusal("[]"), "a.json: expected an object");
}

TEST_F(ConfigTest, a_file_is_read) {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("config-{}", getpid());
  std::ofstream(path) << "{'objects': [{'qom-type': 'gadget', 'id': 'g0'}]}\n";
  EXPECT_TRUE(load_config_file(object_registry(), path));
  EXPECT_NE(objects_root().child("g0"), nullptr);
  std::filesystem::remove(path);
  EXPECT_EQ(load_config_file(object_registry(), path).error().message(),
            fmt::format("cannot open '{}': No such file or directory", path.string()));
  EXPECT_EQ(load_config_file(object_registry(), "/").error().message(), "cannot read '/': Is a directory");
}

}  // namespace
}  // namespace qomio
