// SPDX-License-Identifier: GPL-2.0-or-later
// A type whose getters return values that JSON cannot represent: clients receive valid JSON even then.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <limits>
#include <string>

#include "qomio/object/config.h"
#include "qomio/object/object_commands.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace odd_value_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class Probe final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  static inline double reading = 0;
  static inline Json anything;
  static inline std::string label;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("reading", &Probe::get_reading, &Probe::set_reading));
    klass.add(property("readings", &Probe::get_readings));
    klass.add(property("anything", &Probe::get_anything, &Probe::set_anything));
    klass.add(property("label", &Probe::get_label));
    klass.add(property("limit", &Probe::limit_).range(0, kInfinity));
  }
  double get_reading() const { return reading; }
  Result<void> set_reading(double) { return {}; }
  std::vector<double> get_readings() const { return {1, reading}; }
  Json get_anything() const { return anything; }
  Result<void> set_anything(Json value) {
    anything = std::move(value);
    return {};
  }
  std::string get_label() const { return label; }
  double limit_ = 0;
};

const TypeInfo Probe::type_info{
    .name = "probe",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Probe>,
    .class_init = class_init,
};

class OddValueTest : public QmpServerTest {
 protected:
  OddValueTest() {
    EXPECT_TRUE(register_type(Probe::type_info));
    add_object_commands(registry_);
    Probe::reading = 0;
    Probe::anything = nullptr;
    Probe::label = "";
    EXPECT_TRUE(object_new_with_props<Probe>("p0"));
    client_.emplace(negotiated());
  }
  ~OddValueTest() override { objects_cleanup(); }

  // Sends a command; returns each line of the answer, parsed by another parser than the library's.
  std::vector<nlohmann::json> answers(std::string_view command, const std::string& arguments) {
    std::vector<nlohmann::json> read;
    for (const auto& text :
         ask(*client_, fmt::format("{{'execute':'{}','arguments':{{{}}}}}", command, arguments))) {
      EXPECT_TRUE(nlohmann::json::accept(text)) << text;
      read.push_back(nlohmann::json::parse(text, nullptr, false));
    }
    return read;
  }
  nlohmann::json answer(std::string_view command, const std::string& arguments) {
    const auto all = answers(command, arguments);
    EXPECT_THAT(all, SizeIs(1));
    return all.at(0);
  }
  nlohmann::json get(std::string_view name) {
    return answer("qom-get", fmt::format("'path':'p0','property':'{}'", name));
  }
  nlohmann::json set(std::string_view name, std::string_view value) {
    return answer("qom-set", fmt::format("'path':'p0','property':'{}','value':{}", name, value));
  }
  static std::string problem(const nlohmann::json& answer) {
    return answer.contains("error") ? answer["error"]["desc"].get<std::string>() : answer.dump();
  }

  std::optional<TestClient> client_;
};

TEST_F(OddValueTest, a_property_that_is_not_a_number_is_an_error_of_qom_get) {
  Probe::reading = kNan;
  EXPECT_EQ(problem(get("reading")), "Value 'reading' is nan, which JSON can't hold");
  EXPECT_EQ(problem(get("readings")), "Value 'readings[1]' is nan, which JSON can't hold");
  Probe::reading = -kInfinity;
  EXPECT_EQ(problem(get("reading")), "Value 'reading' is -inf, which JSON can't hold");
  Probe::anything = {{"\xff", {1, kNan}}};
  EXPECT_EQ(problem(get("anything")), "Value 'anything.\uFFFD[1]' is nan, which JSON can't hold");
  Probe::anything = Json::binary({1});
  EXPECT_EQ(problem(get("anything")), "Value 'anything' is binary, which JSON can't hold");
  Probe::anything = 1;
  for (int i = 0; i < 2000; ++i) Probe::anything = Json::array({std::move(Probe::anything)});
  EXPECT_EQ(problem(get("anything")), "Value 'anything' is nested too deep, which JSON can't hold");
}

TEST_F(OddValueTest, bytes_that_are_no_text_are_replaced_in_values_and_keys) {
  Probe::label = "\xff\xc3";
  EXPECT_EQ(get("label")["return"], "\uFFFD\uFFFD");
  Probe::anything = {{"\xf0\x9f", "\xe2\x82"}};
  EXPECT_EQ(get("anything")["return"], nlohmann::json({{"\uFFFD", "\uFFFD"}}));
}

TEST_F(OddValueTest, a_listing_of_values_leaves_out_what_json_cannot_hold) {
  Probe::reading = kNan;
  Probe::anything = kInfinity;
  const auto rows = answer("qom-list-get", "'paths':['/objects/p0']")["return"][0]["properties"];
  ASSERT_THAT(rows, SizeIs(6));
  for (const auto& row : rows) {
    EXPECT_EQ(row.contains("value"),
              row["name"] != "reading" && row["name"] != "readings" && row["name"] != "anything")
        << row;
  }
}

TEST_F(OddValueTest, an_event_about_such_a_value_comes_without_it) {
  EXPECT_EQ(problem(answer("subscribe-events", "'events':['OBJECT_CHANGED']")), R"({"return":{}})");
  Probe::reading = kNan;
  const auto lines = answers("qom-set", "'path':'p0','property':'reading','value':5");
  ASSERT_THAT(lines, SizeIs(2));
  for (const auto& line : lines) EXPECT_FALSE(line.value("data", nlohmann::json()).contains("value")) << line;
}

TEST_F(OddValueTest, listings_of_types_and_the_configuration_are_json_too) {
  Probe::reading = kNan;
  const nlohmann::json listed = answer("qom-list-properties", "'typename':'probe'");
  for (const auto& row : listed.at("return")) {
    if (row.at("name") != "limit") continue;
    EXPECT_TRUE(row.contains("minimum") && !row.contains("maximum")) << row;
  }
  EXPECT_EQ(problem(set("limit", "-1")), "limit value must be in range [0, inf]");
  answer("query-qmp-schema", "");
  answer("query-config", "");
  answer("qom-list", "'path':'p0'");
}

TEST_F(OddValueTest, a_number_too_large_for_a_double_is_refused_wherever_it_comes_in) {
  EXPECT_EQ(problem(set("reading", "1e999")), "Parameter 'reading' expects a finite number");
  EXPECT_EQ(problem(set("anything", "1e999")), "Parameter 'anything' expects finite numbers");
  EXPECT_EQ(problem(set("anything", "[{'a':-1e999}]")), "Parameter 'anything' expects finite numbers");
  EXPECT_EQ(problem(answer("qom-set-many", "'path':'p0','properties':{'anything':[1e999]}")),
            "Parameter 'anything' expects finite numbers");
  EXPECT_EQ(problem(answer("object-add", "'qom-type':'probe','id':'p1','anything':1e999")),
            "Parameter 'anything' expects finite numbers");
  EXPECT_EQ(problem(set("label", "1e999")), "Property 'probe.label' is not writable");
  EXPECT_EQ(Probe::anything, Json());
}

}  // namespace odd_value_test
}  // namespace qomio
