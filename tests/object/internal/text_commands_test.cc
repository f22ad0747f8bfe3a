// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/internal/text_commands.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/object/link.h"
#include "qomio/object/object.h"
#include "qomio/object/object_commands.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"

namespace qomio {

enum class SamplerFlavour { sweet, sour };
template <>
inline constexpr auto enum_description<SamplerFlavour> = EnumDescription(
    "SamplerFlavour", value(SamplerFlavour::sweet, "sweet"), value(SamplerFlavour::sour, "sour"));

namespace text_commands_test {

struct Rule {
  std::string from;
  std::int64_t priority = 0;
  static constexpr std::string_view type_name = "Rule";
  static constexpr auto members =
      member_list(member("from", &Rule::from), member("priority", &Rule::priority));
};

// Has a property of each kind.
class Sampler final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;

 private:
  std::int64_t int_ = 0;
  std::uint64_t uint_ = 0;
  std::int8_t small_ = 0;
  Size size_;
  bool flag_ = false;
  double number_ = 0;
  std::string string_;
  SamplerFlavour flavour_ = SamplerFlavour::sweet;
  std::vector<std::uint16_t> numbers_;
  std::vector<std::string> strings_;
  std::vector<SamplerFlavour> flavours_;
  std::vector<Rule> rules_;
  std::int64_t trial_ = 0;
  WeakLink<Sampler> next_;
  Result<void> set_secret(std::string) { return {}; }

  static void class_init(ObjectClass& klass) {
    klass.add(property("int", &Sampler::int_));
    klass.add(property("uint", &Sampler::uint_));
    klass.add(property("small", &Sampler::small_));
    klass.add(property("size", &Sampler::size_));
    klass.add(property("flag", &Sampler::flag_));
    klass.add(property("number", &Sampler::number_));
    klass.add(property("string", &Sampler::string_));
    klass.add(property("flavour", &Sampler::flavour_));
    klass.add(property("numbers", &Sampler::numbers_));
    klass.add(property("strings", &Sampler::strings_));
    klass.add(property("flavours", &Sampler::flavours_));
    klass.add(property("trial", &Sampler::trial_).with({"unstable"}));
    klass.add(property("rules", &Sampler::rules_));
    klass.add(property("secret", nullptr, &Sampler::set_secret));
    klass.add(link("next", &Sampler::next_));
  }
};

constinit const TypeInfo Sampler::type_info{
    .name = "sampler",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Sampler>,
    .class_init = Sampler::class_init,
};

class TextCommands : public ::testing::Test {
 protected:
  TextCommands() {
    EXPECT_TRUE(register_type(Sampler::type_info));
    add_text_commands(commands_);
  }
  ~TextCommands() override { objects_cleanup(); }

  // Returns the result as JSON text, or the error's message.
  std::string run(std::string_view command, const Json& arguments) {
    const auto answer = commands_.run(command, arguments);
    return answer ? json_text(*answer) : answer.error().message();
  }
  std::string add(std::string_view id, const Json& properties = Json::object()) {
    return run("object-add-text", {{"qom-type", "sampler"}, {"id", id}, {"properties", properties}});
  }
  std::string set(std::string_view id, const Json& properties) {
    return run("qom-set-text", {{"path", id}, {"properties", properties}});
  }
  // Returns the text of one property.
  std::string text_of(std::string_view id, std::string_view property) {
    const auto answer = commands_.run("qom-get-text", {{"path", id}, {"property", property}});
    return answer ? answer->at(0).at("text").get<std::string>() : "error: " + answer.error().message();
  }
  static Json value_of(std::string_view id, std::string_view property) {
    auto value = objects_root().child(id)->get_property(property);
    return value ? *value : Json(value.error().message());
  }

  CommandRegistry commands_;
};

struct Sample {
  const char* property;
  const char* text;
  const char* json;
};
constexpr Sample kSamples[] = {
    {"int", "010", "8"},
    {"int", "0x10", "16"},
    {"int", "-9223372036854775808", "-9223372036854775808"},
    {"uint", "18446744073709551615", "18446744073709551615"},
    {"small", "-128", "-128"},
    {"size", "4K", "4096"},
    {"size", "010", "10"},
    {"flag", "on", "true"},
    {"flag", "no", "false"},
    {"number", "1.5e3", "1500"},
    {"string", "5", R"("5")"},
    {"string", "true", R"("true")"},
    {"string", "a,b=c", R"("a,b=c")"},
    {"string", "", R"("")"},
    {"flavour", "sour", R"("sour")"},
    {"numbers", "0", "[0]"},
    {"numbers", "0,1", "[0, 1]"},
    {"numbers", "0-3,7", "[0, 1, 2, 3, 7]"},
    {"numbers", "", "[]"},
    {"strings", "a,1,true", R"(["a", "1", "true"])"},
    {"flavours", "sour,sweet", R"(["sour", "sweet"])"},
    {"next", "b", R"("/objects/b")"},
    {"next", "", R"("")"},
};

TEST_F(TextCommands, a_text_means_the_same_in_each_command_and_behind_object) {
  EXPECT_EQ(add("b"), "{}");
  for (const Sample& sample : kSamples) {
    const Json properties{{sample.property, sample.text}};
    EXPECT_EQ(add("a", properties), "{}") << sample.property;
    EXPECT_EQ(json_text(value_of("a", sample.property)), sample.json) << sample.property;
    EXPECT_EQ(add("c"), "{}");
    EXPECT_EQ(set("c", properties), "{}") << sample.property;
    EXPECT_EQ(json_text(value_of("c", sample.property)), sample.json) << sample.property;
    EXPECT_TRUE(objects_root().child("c")->parse_property(sample.property, sample.text));
    EXPECT_EQ(json_text(value_of("c", sample.property)), sample.json) << sample.property;
    EXPECT_TRUE(user_creatable_del("a"));
    EXPECT_TRUE(user_creatable_del("c"));
  }
}

TEST_F(TextCommands, what_is_shown_can_be_set_again) {
  EXPECT_EQ(add("b"), "{}");
  for (const Sample& sample : kSamples) {
    EXPECT_EQ(add("a", {{sample.property, sample.text}}), "{}");
    const std::string text = text_of("a", sample.property);
    EXPECT_EQ(add("c", {{sample.property, text}}), "{}") << text;
    EXPECT_EQ(json_text(value_of("c", sample.property)), sample.json) << text;
    EXPECT_EQ(text_of("c", sample.property), text);
    EXPECT_TRUE(user_creatable_del("a"));
    EXPECT_TRUE(user_creatable_del("c"));
  }
}

TEST_F(TextCommands, structures_are_members_of_text) {
  EXPECT_EQ(add("a", {{"rules", Json::parse(R"([{"from": "5", "priority": "010"}])")}}), "{}");
  EXPECT_EQ(json_text(value_of("a", "rules")), R"([{"from": "5", "priority": 8}])");
}

TEST_F(TextCommands, properties_are_set_all_or_none) {
  EXPECT_EQ(add("a"), "{}");
  EXPECT_EQ(set("a", {{"int", "5"}, {"flag", "maybe"}}), "Parameter 'flag' expects 'on' or 'off'");
  EXPECT_EQ(set("a", {{"int", "5"}, {"nope", "1"}}), "Property 'sampler.nope' not found");
  EXPECT_EQ(value_of("a", "int"), 0);
  EXPECT_EQ(set("a", Json::object()), "{}");
}

TEST_F(TextCommands, all_properties_are_shown_and_what_can_not_be_read_by_its_name_only) {
  EXPECT_EQ(add("a"), "{}");
  const std::string all = run("qom-get-text", {{"path", "a"}});
  EXPECT_TRUE(all.starts_with(R"([{"name": "type", "text": "sampler"}, {"name": "int", "text": "0"}, )"))
      << all;
  EXPECT_NE(all.find(R"({"name": "secret"}, )"), std::string::npos) << all;
  EXPECT_EQ(text_of("a", "secret"), "error: Property 'sampler.secret' is not readable");
  EXPECT_EQ(text_of("a", "nope"), "error: Property 'sampler.nope' not found");
  EXPECT_EQ(run("qom-get-text", {{"path", "nowhere"}}), "Device 'nowhere' not found");
  EXPECT_EQ(set("nowhere", Json::object()), "Device 'nowhere' not found");
}

TEST_F(TextCommands, a_new_object_gets_nothing_that_object_add_refuses_by_policy) {
  add_object_commands(commands_);
  commands_.set_compat({.unstable_input = CompatInput::reject});
  EXPECT_EQ(add("a", {{"trial", "5"}}), "Unstable parameter trial disabled by policy");
  EXPECT_EQ(add("a", {{"int", "5"}}), "{}");
}

TEST_F(TextCommands, values_that_are_no_text_are_refused_by_name) {
  EXPECT_EQ(add("a", {{"int", 5}}), "Invalid parameter type for 'properties.int', expected: string");
  EXPECT_EQ(add("a", Json(5)), "Invalid parameter type for 'properties', expected: object");
  EXPECT_EQ(add("a", {{"id", "b"}}), "Parameter 'properties.id' is unexpected");
  EXPECT_EQ(add("a", {{"qom-type", "b"}}), "Parameter 'properties.qom-type' is unexpected");
  EXPECT_EQ(add("a", {{"nope", "b"}}), "Parameter 'nope' is unexpected");
  EXPECT_EQ(add("a"), "{}");
  EXPECT_EQ(set("a", {{"rules", Json::parse(R"([{"priority": 1}])")}}),
            "Invalid parameter type for 'properties.rules.0.priority', expected: string");
}

}  // namespace text_commands_test
}  // namespace qomio
