// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/node_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "qomio/iothread/internal/post_node.h"

namespace qomio::internal {
namespace node_pool_test {

// Allocates pieces in the calling thread and fills each with the low byte of its index.
std::vector<void*> take(int count) {
  std::vector<void*> pieces;
  for (int i = 0; i < count; ++i) {
    pieces.push_back(NodePool::allocate());
    std::memset(pieces.back(), i & 0xff, NodePool::kBytes);
  }
  return pieces;
}

void give_back(const std::vector<void*>& pieces) {
  for (void* const piece : pieces) NodePool::free(piece);
}

bool each_has_its_byte(const std::vector<void*>& pieces) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::array<unsigned char, NodePool::kBytes> expected{};
    expected.fill(static_cast<unsigned char>(i & 0xff));
    if (std::memcmp(pieces[i], expected.data(), expected.size()) != 0) return false;
  }
  return true;
}

TEST(NodePool, pieces_do_not_overlap_and_share_no_line_of_the_cache) {
  const std::vector<void*> pieces = take(1000);
  EXPECT_TRUE(each_has_its_byte(pieces));
  for (void* const piece : pieces) EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % NodePool::kBytes, 0U);
  give_back(pieces);
}

TEST(NodePool, memory_is_used_again_whichever_thread_gave_it_back) {
  std::set<void*> seen;
  for (int round = 0; round < 1000; ++round) {
    const std::vector<void*> pieces = take(100);
    seen.insert(pieces.begin(), pieces.end());
    if (round % 2 == 0) {
      give_back(pieces);
    } else {
      std::thread([&] { give_back(pieces); }).join();
    }
  }
  // 100,000 allocations, of which at most 100 exist at a time.
  EXPECT_LT(seen.size(), 10'000U);
}

TEST(NodePool, a_piece_that_stays_out_does_not_keep_others_from_being_used_again) {
  const std::vector<void*> kept = take(1);
  std::set<void*> seen;
  for (int round = 0; round < 1000; ++round) {
    const std::vector<void*> pieces = take(100);
    seen.insert(pieces.begin(), pieces.end());
    give_back(pieces);
  }
  EXPECT_LT(seen.size(), 10'000U);
  give_back(kept);
}

TEST(NodePool, pieces_outlive_the_thread_that_took_them) {
  std::vector<void*> pieces;
  std::thread([&] { pieces = take(1000); }).join();
  EXPECT_TRUE(each_has_its_byte(pieces));
  give_back(pieces);
}

TEST(NodePool, serves_what_is_destroyed_after_the_thread_has_given_up_its_part) {
  // Constructed before the thread's part of the pool, so destroyed after it.
  struct Late {
    ~Late() {
      const std::vector<void*> pieces = take(300);
      ok = each_has_its_byte(pieces);
      give_back(pieces);
    }
    bool& ok;
  };
  bool ok = false;
  std::thread([&] {
    thread_local const Late late{ok};
    (void)&late;
    give_back(take(1));
  }).join();
  EXPECT_TRUE(ok);
}

TEST(NodePool, holds_a_one_shot_of_five_words) {
  struct FiveWords {
    std::array<void*, 5> words;
    void operator()() const {}
  };
  EXPECT_LE(sizeof(PostCall<PostNode, FiveWords>), NodePool::kBytes);
}

TEST(NodePool, threads_that_pass_pieces_on_lose_none) {
  constexpr int kThreads = 4;
  std::vector<std::vector<void*>> of_thread(kThreads);
  for (int round = 0; round < 50; ++round) {
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
          if (!of_thread[static_cast<std::size_t>(i)].empty())
            give_back(of_thread[static_cast<std::size_t>(i)]);
          of_thread[static_cast<std::size_t>(i)] = take(500);
        });
      }
    }
    for (const std::vector<void*>& pieces : of_thread) ASSERT_TRUE(each_has_its_byte(pieces));
    std::rotate(of_thread.begin(), of_thread.begin() + 1, of_thread.end());
  }
  for (const std::vector<void*>& pieces : of_thread) give_back(pieces);
}

}  // namespace node_pool_test
}  // namespace qomio::internal
