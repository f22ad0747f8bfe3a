// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/introspection.h"

#include <gmock/gmock.h>

#include "qomio/qapi/command_registry.h"

namespace qomio {

namespace introspection_test {
enum class Colour { red, green };
}
template <>
inline constexpr auto enum_description<introspection_test::Colour> =
    EnumDescription("Colour", value(introspection_test::Colour::red, "red"),
                    value(introspection_test::Colour::green, "green", "as | grass", {"unstable"}));

namespace introspection_test {

using testing::HasSubstr;
using testing::Not;

struct Leaf {
  Colour colour = Colour::red;
  static constexpr std::string_view type_name = "Leaf";
  static constexpr auto members = member_list(member("colour", &Leaf::colour));
};
struct Tree {
  std::vector<Leaf> leaves;
  static constexpr std::string_view type_name = "Tree";
  static constexpr auto members = member_list(member("leaves", &Tree::leaves, "the newest first"));
};
struct GrowArguments {
  std::int64_t years = 1;
  std::optional<std::string> name;
  static constexpr std::string_view type_name = "GrowArguments";
  static constexpr auto members = member_list(member("years", &GrowArguments::years, "how long"),
                                              member("name", &GrowArguments::name).with({"deprecated"}));
};

class ReferenceTest : public testing::Test {
 protected:
  ReferenceTest() {
    registry_.add(command(
                      "grow", "lets a tree grow", +[](const GrowArguments&) { return Result<Tree>(); })
                      .oob()
                      .feature("deprecated"));
    registry_.add(event<Leaf>("LEAF_FELL", "a leaf fell"));
  }
  CommandRegistry registry_;
};

TEST_F(ReferenceTest, a_command_is_told_with_its_arguments_and_its_result) {
  EXPECT_THAT(qmp_reference(registry_), HasSubstr("### grow\n\n"
                                                  "lets a tree grow\n\n"
                                                  "*may be sent out of band; deprecated*\n\n"
                                                  "| Arguments | type | |\n|---|---|---|\n"
                                                  "| `years` | `int` | how long |\n"
                                                  "| `name` | `str` | optional; *deprecated* |\n\n"
                                                  "Returns: [Tree](#tree)\n"));
}

TEST_F(ReferenceTest, an_event_is_told_with_its_data) {
  EXPECT_THAT(qmp_reference(registry_), HasSubstr("### LEAF_FELL\n\na leaf fell\n\n"
                                                  "| Data | type | |\n|---|---|---|\n"
                                                  "| `colour` | [Colour](#colour) |  |\n"));
}

TEST_F(ReferenceTest, an_event_that_is_sent_on_request_says_so) {
  Event on_request = event<Leaf>("LEAF_GREW", "a leaf grew");
  on_request.on_request = true;
  registry_.add(on_request);
  EXPECT_THAT(qmp_reference(registry_), HasSubstr("### LEAF_GREW\n\na leaf grew\n\n"
                                                  "*sent on request: see subscribe-events*\n\n"));
}

TEST_F(ReferenceTest, types_are_told_once_and_so_are_those_that_they_use) {
  const std::string page = qmp_reference(registry_);
  EXPECT_THAT(page, HasSubstr("| `leaves` | list of [Leaf](#leaf) | the newest first |"));
  EXPECT_THAT(page, HasSubstr("### Leaf\n"));
  const auto colour = page.find("### Colour\n");
  ASSERT_NE(colour, std::string::npos);
  EXPECT_EQ(page.find("### Colour\n", colour + 1), std::string::npos);
  EXPECT_THAT(page, HasSubstr("| `red` |  |\n| `green` | as \\| grass; *unstable* |\n"));
}

TEST_F(ReferenceTest, what_is_taken_away_is_not_told) {
  registry_.remove_command("grow");
  EXPECT_THAT(qmp_reference(registry_), Not(HasSubstr("### Tree")));
}

}  // namespace introspection_test
}  // namespace qomio
