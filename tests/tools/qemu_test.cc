// SPDX-License-Identifier: GPL-2.0-or-later
// Tests the client with QEMU, if it is installed.
#include <sys/syscall.h>

#include <fstream>

#include "qomio/tests/tools/qomctl_fixture.h"

namespace qomio::testing {
namespace qemu_test {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class QemuTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // With -daemonize the command returns once the socket exists.
    const Ended started = run_program({"qemu-system-x86_64", "-M", "none", "-nodefaults", "-display", "none",
                                       "-daemonize", "-pidfile", folder_.file("pid"), "-qmp",
                                       "unix:" + folder_.file("qmp") + ",server=on,wait=off", "-object",
                                       "iothread,id=io0,poll-max-ns=16384"});
    if (started.status != 0) GTEST_SKIP() << "qemu-system-x86_64 does not run here: " << started.err;
    pid_t pid = 0;
    std::ifstream(folder_.file("pid")) >> pid;
    process_ = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    ASSERT_GE(process_, 0);
  }
  void TearDown() override {
    if (process_ < 0) return;
    (void)qomctl({"quit"});
    // QEMU removes its files when it ends; wait for that before the folder is removed.
    pollfd entry{process_, POLLIN, 0};
    (void)poll(&entry, 1, -1);
    close(process_);
  }

  Ended qomctl(std::vector<std::string> words) {
    words.insert(words.begin(), {QOMCTL_PROGRAM, "--timeout", "60"});
    return run_program(words, {"QOMIO_SOCKET=" + folder_.file("qmp")});
  }

 private:
  TemporaryFolder folder_;
  int process_ = -1;  // a pidfd of QEMU, readable once it has ended
};

TEST_F(QemuTest, iothreads_are_listed_tuned_added_and_deleted) {
  EXPECT_THAT(qomctl({"query-iothreads"}).out,
              StartsWith("ID   THREAD-ID  POLL-MAX-NS  POLL-GROW  POLL-SHRINK"));
  EXPECT_EQ(qomctl({"set", "io0", "poll-max-ns=0", "poll-grow=4"}).status, 0);
  EXPECT_EQ(qomctl({"get", "io0", "poll-max-ns"}).out, "0\n");
  EXPECT_EQ(qomctl({"get", "io0", "poll-grow"}).out, "4\n");
  const Ended refused = qomctl({"set", "io0", "poll-max-ns=-1"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.err, "qomctl: poll-max-ns value must be in range [0, 9223372036854775807]\n");

  EXPECT_EQ(qomctl({"add", "iothread", "io1", "poll-max-ns=0x10"}).status, 0);
  EXPECT_EQ(qomctl({"get", "/objects/io1", "poll-max-ns"}).out, "16\n");
  EXPECT_EQ(qomctl({"tree", "/objects"}).out, "/objects\n├─ io0 (iothread)\n└─ io1 (iothread)\n");
  EXPECT_EQ(qomctl({"del", "io1"}).status, 0);
  EXPECT_EQ(qomctl({"del", "io1"}).err, "qomctl: object 'io1' not found\n");
}

TEST_F(QemuTest, values_are_typed_as_far_as_its_lists_tell) {
  EXPECT_EQ(qomctl({"add", "memory-backend-ram", "m0", "size=4M", "policy=bind", "host-nodes=[0]"}).err, "");
  EXPECT_EQ(qomctl({"get", "m0", "size"}).out, "4194304\n");
  EXPECT_EQ(qomctl({"get", "m0", "policy"}).out, "bind\n");
  EXPECT_EQ(qomctl({"set", "m0", "merge=off"}).status, 0);
  EXPECT_EQ(qomctl({"get", "m0", "merge"}).out, "false\n");
  EXPECT_EQ(qomctl({"set", "io0", "poll-max-ns=010"}).status, 0);
  EXPECT_EQ(qomctl({"get", "io0", "poll-max-ns"}).out, "8\n");
  // QEMU lists the type of a list of numbers as `int`.
  const Ended refused = qomctl({"add", "memory-backend-ram", "m1", "size=4M", "host-nodes=0"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("the server lists 'host-nodes' as 'int' only"));
  EXPECT_THAT(qomctl({"set", "io0", "poll-max=1"}).err, EndsWith("not found; did you mean 'poll-max-ns'?\n"));
}

TEST_F(QemuTest, help_and_suggestions_come_from_the_server) {
  EXPECT_THAT(qomctl({"help", "add", "iothread"}).out, HasSubstr("poll-max-ns"));
  EXPECT_EQ(qomctl({"help", "qom-set"}).out,
            "usage: qomctl qom-set path=… property=… value=…\n"
            "  path      string\n"
            "  property  string\n"
            "  value     any value\n");
  EXPECT_THAT(qomctl({"get", "io0", "poll-max"}).err, EndsWith("; did you mean 'poll-max-ns'?\n"));
  EXPECT_THAT(qomctl({"query-iothread"}).err, HasSubstr("did you mean 'query-iothreads'?"));
}

TEST_F(QemuTest, a_server_command_takes_typed_arguments) {
  EXPECT_EQ(qomctl({"qom-set", "path=/objects/io0", "property=poll-max-ns", "value=7"}).status, 0);
  EXPECT_EQ(qomctl({"qom-get", "path=/objects/io0", "property=poll-max-ns"}).out, "7\n");
}

}  // namespace qemu_test
}  // namespace qomio::testing
