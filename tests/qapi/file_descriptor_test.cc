// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/file_descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

namespace qomio {
namespace file_descriptor_test {

int opened() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(FileDescriptor, is_closed_by_its_owner) {
  const int fd = opened();
  {
    const FileDescriptor owner(fd);
    EXPECT_EQ(owner.get(), fd);
    EXPECT_TRUE(owner);
    EXPECT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(FileDescriptor, is_given_away_by_moving_and_by_release) {
  FileDescriptor first(opened());
  const int fd = first.get();
  FileDescriptor second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): tests that it is empty
  EXPECT_EQ(second.get(), fd);
  const FileDescriptor third(second.release());
  EXPECT_FALSE(second);
  EXPECT_TRUE(is_open(fd));
}

TEST(FileDescriptor, is_closed_when_another_takes_its_place) {
  FileDescriptor owner(opened());
  const int first = owner.get();
  FileDescriptor other(opened());
  const int second = other.get();
  owner = std::move(other);
  EXPECT_FALSE(is_open(first));
  owner.reset();
  EXPECT_FALSE(is_open(second));
  owner.reset();
  EXPECT_FALSE(owner);
}

}  // namespace file_descriptor_test
}  // namespace qomio
