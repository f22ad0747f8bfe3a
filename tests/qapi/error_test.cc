// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

namespace qomio {
namespace error_test {

TEST(Error, has_the_size_of_a_pointer_and_a_result_without_value_that_of_two) {
  EXPECT_EQ(sizeof(Error), 8);
  EXPECT_EQ(sizeof(Result<void>), 16);
}

TEST(Error, has_a_class_a_message_a_hint_and_data) {
  Error error(ErrorClass::DeviceNotFound, "Device 'd' not found", "try another");
  error.set_data(R"({"device": "d"})");
  EXPECT_EQ(error.error_class(), ErrorClass::DeviceNotFound);
  EXPECT_EQ(error.message(), "Device 'd' not found");
  EXPECT_EQ(error.hint(), "try another");
  EXPECT_EQ(error.data(), R"({"device": "d"})");
}

TEST(Error, of_a_message_alone_is_a_generic_error) {
  const Error error("no luck");
  EXPECT_EQ(error.error_class(), ErrorClass::GenericError);
  EXPECT_EQ(error.hint(), "");
  EXPECT_EQ(error.data(), "");
}

TEST(Error, a_copy_is_independent_of_the_original) {
  Error original(ErrorClass::CommandNotFound, "text", "hint");
  const Error copy = original;
  original.prepend("context: ");
  original.set_data("{}");
  EXPECT_EQ(original.message(), "context: text");
  EXPECT_EQ(copy.message(), "text");
  EXPECT_EQ(copy.data(), "");
  EXPECT_EQ(copy.error_class(), ErrorClass::CommandNotFound);
  EXPECT_EQ(copy.hint(), "hint");
}

TEST(Error, that_was_moved_from_is_empty_and_may_be_used_again) {
  Error from("text");
  const Error to = std::move(from);
  EXPECT_EQ(to.message(), "text");
  EXPECT_EQ(from.message(), "");  // NOLINT(bugprone-use-after-move): the moved-from state is documented
  EXPECT_EQ(from.error_class(), ErrorClass::GenericError);
  from.prepend("again");
  EXPECT_EQ(from.message(), "again");
  from = to;
  EXPECT_EQ(from.message(), "text");
}

TEST(Error, of_memory_is_made_and_copied_without_context) {
  const Error error = Error::out_of_memory();
  EXPECT_EQ(error.message(), "out of memory");
  EXPECT_EQ(Error(error).message(), "out of memory");
}

TEST(ErrorMessages, have_their_arguments_in_place) {
  const std::string text = "io0";
  const Result<void> r = error("{}: '{}' is {}, in [{}, {}]", text, "poll-max-ns", -1,
                               std::int64_t{INT64_MIN}, std::uint64_t{UINT64_MAX});
  EXPECT_EQ(r.error().message(), "io0: 'poll-max-ns' is -1, in [-9223372036854775808, 18446744073709551615]");
  EXPECT_EQ(r.error().error_class(), ErrorClass::GenericError);
}

TEST(ErrorMessages, do_not_read_braces_in_arguments) {
  const Result<void> r = error(ErrorClass::DeviceNotActive, "'{}' and {}", "{}", 7);
  EXPECT_EQ(r.error().message(), "'{}' and 7");
  EXPECT_EQ(r.error().error_class(), ErrorClass::DeviceNotActive);
}

TEST(ErrorMessages, of_the_system_follow_what_failed) {
  const Result<int> r = errno_error(ENOENT, "Failed to open '/x'");
  EXPECT_EQ(r.error().message(), "Failed to open '/x': No such file or directory");
}

TEST(ErrorClasses, are_sent_by_the_names_that_clients_know) {
  EXPECT_EQ(ErrorClass::GenericError.name(), "GenericError");
  EXPECT_EQ(ErrorClass::CommandNotFound.name(), "CommandNotFound");
  EXPECT_EQ(ErrorClass::DeviceNotActive.name(), "DeviceNotActive");
  EXPECT_EQ(ErrorClass::DeviceNotFound.name(), "DeviceNotFound");
  EXPECT_EQ(ErrorClass::KVMMissingCap.name(), "KVMMissingCap");
}

TEST(ErrorClasses, of_a_program_are_equal_if_their_names_are) {
  constexpr ErrorClass kBusy("DeviceBusy");
  static constexpr char kSameName[] = "DeviceBusy";
  constexpr ErrorClass kAlsoBusy(kSameName);
  const Result<void> r = error(kBusy, "disk '{}' is being copied", "d0");
  EXPECT_EQ(r.error().message(), "disk 'd0' is being copied");
  EXPECT_EQ(r.error().error_class().name(), "DeviceBusy");
  EXPECT_EQ(r.error().error_class(), kAlsoBusy);
  EXPECT_NE(r.error().error_class(), ErrorClass::GenericError);
}

TEST(Failure, passes_an_error_on_to_a_result_of_another_type) {
  Result<int> of_a_number = error("no number");
  const Result<std::string> of_a_text = failure(of_a_number);
  EXPECT_EQ(of_a_text.error().message(), "no number");
}

}  // namespace error_test
}  // namespace qomio
