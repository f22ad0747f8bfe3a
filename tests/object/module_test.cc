// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/module.h"

#include <dlfcn.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "qomio/object/object.h"
#include "qomio/tests/object/object_registry.h"

namespace qomio {
namespace module_test {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string failure_to_load(const std::string& path) {
  const auto loaded = module_load(object_registry(), path);
  return loaded ? "" : loaded.error().message();
}

#ifdef OWN_COPY_MODULE
TEST(Module, with_a_copy_of_the_library_is_refused) {
  EXPECT_THAT(failure_to_load(OWN_COPY_MODULE),
              StartsWith("module '" OWN_COPY_MODULE "' has a copy of the library"));
  EXPECT_FALSE(object_class_by_name("stray"));
}
#endif

TEST(Module, that_registers_nothing_is_refused) {
  EXPECT_EQ(failure_to_load(IDLE_MODULE),
            "module '" IDLE_MODULE "' has no function that registers its types");
}

TEST(Module, is_asked_for_its_types_once_under_whatever_name) {
  const std::filesystem::path path = COUNTING_MODULE;
  EXPECT_EQ(failure_to_load(path), "");
  EXPECT_EQ(failure_to_load(path), "");
  EXPECT_EQ(failure_to_load(path.parent_path() / "." / path.filename()), "");
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(handle, nullptr);
  EXPECT_EQ(*static_cast<int*>(::dlsym(handle, "registrations")), 1);
  EXPECT_EQ(loaded_modules().size(), 1);
}

TEST(Module, adds_its_commands_to_each_registry_that_it_is_loaded_for) {
  CommandRegistry first;
  CommandRegistry second;
  EXPECT_TRUE(module_load(first, COUNTING_MODULE));
  EXPECT_EQ(second.find_command("count"), nullptr);
  EXPECT_TRUE(module_load(second, COUNTING_MODULE));
  EXPECT_TRUE(first.run("count", Json::object()));
  EXPECT_TRUE(second.run("count", Json::object()));
  EXPECT_EQ(loaded_modules().size(), 1);
}

TEST(Module, needs_a_path_without_nul) {
  EXPECT_THAT(failure_to_load(std::string(COUNTING_MODULE) + std::string("\0.so", 4)),
              HasSubstr("contains a NUL byte"));
}

}  // namespace module_test
}  // namespace qomio
