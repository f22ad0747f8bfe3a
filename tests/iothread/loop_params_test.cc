// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/loop_params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "qomio/qapi/command.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace loop_params_test {

using ::testing::ElementsAre;

struct Row {
  LoopParams params;
  static constexpr auto members = member_list(embed(&Row::params, visit_effective, describe_effective));
};

std::vector<std::string> names(void (*describe)(TypeDescription&)) {
  TypeDescription type;
  describe(type);
  std::vector<std::string> names;
  for (const auto& member : type.members) names.push_back(member.name);
  return names;
}

TEST(LoopParams, have_defaults_in_force_in_place_of_zeros) {
  EXPECT_EQ(LoopParams{}.in_force(),
            (LoopParams{.poll_grow = 2, .poll_shrink = 2, .poll_weight = 3, .aio_max_batch = 32}));
  EXPECT_EQ(LoopParams{.poll_policy = PollPolicy::classic}.in_force().poll_shrink, 0);
}

TEST(LoopParams, stay_in_force_as_set_when_they_are_not_zero) {
  const LoopParams set{
      .poll_max_ns = 1, .poll_grow = 4, .poll_shrink = 5, .poll_weight = 6, .aio_max_batch = 7};
  EXPECT_EQ(set.in_force(), set);
}

TEST(LoopParams, have_batches_no_longer_than_the_ring) {
  EXPECT_EQ(LoopParams{.aio_max_batch = std::int64_t{1} << 62}.in_force().aio_max_batch, 128);
}

TEST(LoopParams, refuse_a_thread_pool_whose_ends_do_not_fit) {
  EXPECT_TRUE(LoopParams{}.check().has_value());
  EXPECT_TRUE((LoopParams{.thread_pool_min = 2, .thread_pool_max = 2}).check().has_value());
  for (const LoopParams& bad : {LoopParams{.thread_pool_max = 0}, LoopParams{.thread_pool_min = 65},
                                LoopParams{.thread_pool_max = std::int64_t{1} << 31}}) {
    EXPECT_EQ(bad.check().error().message(), "bad thread-pool-min/thread-pool-max values");
  }
}

TEST(LoopSettings, are_listed_in_qemus_order) {
  EXPECT_THAT(names(describe_configured),
              ElementsAre("poll-max-ns", "poll-grow", "poll-shrink", "aio-max-batch", "poll-weight",
                          "thread-pool-min", "thread-pool-max"));
  EXPECT_THAT(names(describe_effective), ElementsAre("poll-max-ns", "poll-grow", "poll-shrink", "poll-weight",
                                                     "poll-policy", "poll-budget", "aio-max-batch"));
}

TEST(LoopSettings, are_visited_as_they_are_described) {
  const LoopParams set{.poll_grow = 4, .poll_policy = PollPolicy::weighted, .aio_max_batch = 9};
  const Json json = to_json(Row{set});
  std::vector<std::string> visited;
  for (const auto& [name, value] : json.items()) visited.push_back(name);
  EXPECT_EQ(visited, names(describe_effective));
  EXPECT_EQ(from_json<Row>(json).value().params, set);
}

}  // namespace loop_params_test
}  // namespace qomio
