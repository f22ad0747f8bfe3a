// SPDX-License-Identifier: GPL-2.0-or-later
// Properties whose values are durations, paths, optional, maps and enums with numbers of their own, and
// strings that other threads read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "qomio/object/config.h"
#include "qomio/object/object_commands.h"
#include "qomio/object/object_new.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace property_values_test {
enum class Level { off = -1, low = 10, high = 100 };
}
template <>
inline constexpr auto enum_description<property_values_test::Level> = EnumDescription(
    "Level", value(property_values_test::Level::off, "off"), value(property_values_test::Level::low, "low"),
    value(property_values_test::Level::high, "high"));

namespace property_values_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Lamp final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;

  Level level = Level::off;
  Shared<std::chrono::milliseconds> fade;
  std::chrono::milliseconds dim{};
  float brightness = 0;
  std::optional<std::int64_t> limit = 7;
  std::array<float, 3> position{};
  std::filesystem::path log;
  std::map<std::string, std::chrono::seconds> plan;
  Shared<std::string> greeting;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("level", &Lamp::level).default_value(Level::low));
    klass.add(property("fade", &Lamp::fade).range(0ms, 10s).default_value(500ms));
    klass.add(property("dim", &Lamp::dim).on_change(&Lamp::not_too_dim));
    klass.add(property("brightness", &Lamp::brightness).range(0, 0.1F));
    klass.add(property("limit", &Lamp::limit));
    klass.add(property("position", &Lamp::position));
    klass.add(property("log", &Lamp::log));
    klass.add(property("plan", &Lamp::plan));
    klass.add(property("greeting", &Lamp::greeting));
    klass.add(property("longer", &Lamp::longer));
  }
  Result<void> not_too_dim() { return dim <= 1s ? Result<void>() : error("it is too dim"); }
  std::chrono::milliseconds longer() const { return 2 * std::chrono::milliseconds(fade); }
};

const TypeInfo Lamp::type_info{.name = "lamp",
                               .parent = "object",
                               .interfaces = {"user-creatable"},
                               .create = create<Lamp>,
                               .class_init = class_init};

class PropertyValuesTest : public testing::Test {
 protected:
  PropertyValuesTest() { EXPECT_TRUE(register_type(Lamp::type_info)); }
  ~PropertyValuesTest() override { objects_cleanup(); }

  static Ref<Lamp> make(std::initializer_list<PropertyArgument> values = {}) {
    auto made = object_new_with_props<Lamp>("lamp0", values);
    EXPECT_TRUE(made) << made.error().message();
    return std::move(*made);
  }
  template <class T>
  static std::string message(const Result<T>& r) {
    return r ? "ok" : r.error().message();
  }
};

TEST_F(PropertyValuesTest, are_set_from_json_and_read_back) {
  const auto lamp = make();
  const Json values{{"level", "high"},        {"fade", 1500},     {"dim", 20},
                    {"brightness", 0.05},     {"limit", nullptr}, {"position", {0.5, 1, -1}},
                    {"log", "/var/log/lamp"}, {"greeting", "hi"}, {"plan", {{"dawn", 60}, {"noon", 0}}}};
  ASSERT_EQ(message(object_set_props(*lamp, values)), "ok");
  for (const auto& [name, value] : values.items()) EXPECT_EQ(*lamp->get_property(name), value) << name;
  EXPECT_EQ(lamp->level, Level::high);
  EXPECT_EQ(std::chrono::milliseconds(lamp->fade), 1500ms);
  EXPECT_EQ(lamp->limit, std::nullopt);
  EXPECT_EQ(lamp->plan.at("dawn"), 1min);
  EXPECT_EQ(std::string(lamp->greeting), "hi");
  EXPECT_EQ(*lamp->get_property("longer"), 3000);
}

TEST_F(PropertyValuesTest, are_given_to_a_new_object_as_text_or_number) {
  const auto lamp = make({{"fade", "1.5s"}, {"dim", 20}, {"brightness", 0.1}, {"limit", "null"}});
  EXPECT_EQ(std::chrono::milliseconds(lamp->fade), 1500ms);
  EXPECT_EQ(lamp->dim, 20ms);
  EXPECT_EQ(lamp->brightness, 0.1F);
  EXPECT_EQ(lamp->limit, std::nullopt);
  EXPECT_EQ(*object_property_get_int(*lamp, "dim"), 20);
  EXPECT_EQ(message(object_property_set_int(*lamp, "limit", 8)), "ok");
  EXPECT_EQ(*object_property_get_int(*lamp, "limit"), 8);
  EXPECT_EQ(message(object_property_set_str(*lamp, "log", "/a")), "ok");
  EXPECT_EQ(*object_property_get_str(*lamp, "log"), "/a");
}

TEST_F(PropertyValuesTest, have_defaults_and_names_of_their_types) {
  const auto lamp = make();
  EXPECT_EQ(lamp->level, Level::low);
  EXPECT_EQ(std::chrono::milliseconds(lamp->fade), 500ms);
  const auto type = [&](std::string_view name) { return lamp->find_property(name)->type_name(); };
  EXPECT_EQ(type("level"), "Level");
  EXPECT_EQ(type("fade"), "milliseconds");
  EXPECT_EQ(type("brightness"), "number");
  EXPECT_EQ(type("limit"), "int or null");
  EXPECT_EQ(type("position"), "list of number");
  EXPECT_EQ(type("log"), "string");
  EXPECT_EQ(type("plan"), "map of seconds");
  EXPECT_EQ(type("greeting"), "string");
  EXPECT_EQ(lamp->find_property("fade")->maximum(), 10000);
  EXPECT_THAT(*object_help("lamp"), HasSubstr("  fade=<milliseconds>    -  (default: 500)\n"));
}

TEST_F(PropertyValuesTest, outside_their_range_are_refused_in_the_words_of_their_type) {
  const auto lamp = make();
  EXPECT_EQ(message(lamp->set_property("fade", 10001)), "fade value must be in range [0ms, 10000ms]");
  EXPECT_EQ(message(lamp->parse_property("fade", "11s")), "fade value must be in range [0ms, 10000ms]");
  EXPECT_EQ(message(lamp->set_property("brightness", 0.2)), "brightness value must be in range [0, 0.1]");
  EXPECT_EQ(message(lamp->set_property("brightness", 0.1)), "ok");
  EXPECT_EQ(message(lamp->parse_property("fade", "soon")),
            "Parameter 'fade' expects milliseconds such as 20 or 20ms (units: ns, us, ms, s, min, h, d), not "
            "'soon'");
  EXPECT_EQ(message(lamp->set_property("position", {1, 2})),
            "Parameter 'position' expects 3 elements, not 2");
  EXPECT_EQ(message(lamp->set_property("level", "medium")),
            "Parameter 'level' does not accept value 'medium'");
  EXPECT_EQ(*lamp->get_property("fade"), 500);
}

TEST_F(PropertyValuesTest, are_put_back_when_a_hook_refuses_them) {
  const auto lamp = make({{"dim", "1s"}});
  EXPECT_EQ(message(lamp->parse_property("dim", "2s")), "it is too dim");
  EXPECT_EQ(lamp->dim, 1s);
  EXPECT_EQ(message(object_set_props(*lamp, Json{{"limit", nullptr}, {"plan", {{"a", 1}}}, {"dim", 2000}})),
            "it is too dim");
  EXPECT_EQ(lamp->limit, 7);
  EXPECT_TRUE(lamp->plan.empty());
}

TEST_F(PropertyValuesTest, that_are_enums_are_set_and_returned_by_value) {
  const auto lamp = make();
  EXPECT_TRUE(object_property_set_enum(*lamp, "level", Level::off));
  EXPECT_EQ(*object_property_get_enum<Level>(*lamp, "level"), Level::off);
}

TEST_F(PropertyValuesTest, are_saved_in_a_configuration) {
  make({{"fade", "2s"}, {"limit", "null"}, {"log", "/a"}});
  CommandRegistry commands;
  add_object_commands(commands);
  const auto config = commands.run("query-config", Json::object());
  ASSERT_TRUE(config);
  const Json& saved = config->at("objects").at(0);
  EXPECT_EQ(saved.at("fade"), 2000);
  EXPECT_EQ(saved.at("limit"), nullptr);
  EXPECT_EQ(saved.at("log"), "/a");
  EXPECT_FALSE(config->contains("not-saved"));
}

TEST_F(PropertyValuesTest, that_are_shared_strings_are_read_whole_by_other_threads) {
  const auto lamp = make();
  const std::string words[] = {std::string(100, 'a'), std::string(200, 'b')};
  lamp->greeting = words[0];
  std::atomic<bool> started = false;
  std::atomic<bool> stop = false;
  std::atomic<int> torn = 0;
  std::jthread reader([&] {
    while (!stop) {
      const std::string read = lamp->greeting;
      if (read != words[0] && read != words[1]) ++torn;
      started = true;
      started.notify_one();
    }
  });
  started.wait(false);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(object_property_set_str(*lamp, "greeting", words[i % 2]));
  stop = true;
  reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(std::string(lamp->greeting), words[1]);
}

}  // namespace property_values_test
}  // namespace qomio
