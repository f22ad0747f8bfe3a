// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/render.h"

#include "qomio/qapi/json.h"

#include <gtest/gtest.h>

namespace qomio::qomctl {
namespace render_test {

TEST(RenderTest, json_is_one_line_with_blanks_between) {
  EXPECT_EQ(json_line(Json::parse(R"([{"a":1,"b":[true,null]},{},[],"x\n"])")),
            R"([{"a": 1, "b": [true, null]}, {}, [], "x\n"])");
}

TEST(RenderTest, inner_objects_are_dotted_names) {
  EXPECT_EQ(people_text(Json::parse(R"({"qemu":{"major":7,"minor":2},"package":""})"), false),
            "qemu.major  7\nqemu.minor  2\npackage     -\n");
}

TEST(RenderTest, a_missing_member_is_a_dash_in_its_column) {
  EXPECT_EQ(people_text(Json::parse(R"([{"name":"a"},{"name":"b","parent":"c"}])"), false),
            "NAME  PARENT\na     -\nb     c\n");
}

TEST(RenderTest, an_empty_object_or_list_prints_nothing) {
  EXPECT_EQ(people_text(Json::object(), false), "");
  EXPECT_EQ(people_text(Json::array(), false), "");
}

TEST(RenderTest, plain_values_are_lines) {
  EXPECT_EQ(people_text(Json("io0"), false), "io0\n");
  EXPECT_EQ(people_text(Json(5), false), "5\n");
  EXPECT_EQ(people_text(Json::parse(R"(["a","b"])"), false), "a\nb\n");
}

TEST(RenderTest, bytes_that_are_no_utf8_do_not_stop_the_client) {
  EXPECT_EQ(json_line(Json("\xff")), R"("\ufffd")");
}

TEST(RenderTest, a_text_of_several_lines_keeps_them_and_nothing_else_that_moves_the_cursor) {
  EXPECT_EQ(people_text(Json("a 1\nb 2\n"), false), "a 1\nb 2\n");
  EXPECT_EQ(people_text(Json("a\n\nb"), false), "a\n\nb\n");
  EXPECT_EQ(people_text(Json("\x1b[2J"), false).find('\x1b'), std::string::npos);
}

TEST(RenderTest, lists_of_objects_in_a_cell_are_their_values) {
  EXPECT_EQ(cell_text(Json::parse(R"([{"type":"token-bucket","id":"b0"},{"type":"t","id":"b1"}])")),
            "token-bucket b0, t b1");
}

}  // namespace render_test
}  // namespace qomio::qomctl
