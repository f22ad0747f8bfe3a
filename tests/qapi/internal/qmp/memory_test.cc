// SPDX-License-Identifier: GPL-2.0-or-later
// Makes each allocation of a QMP session fail, either alone or together with all later ones. The operators
// below replace those of the standard library in this program. Sanitizers have their own operators, so this
// file is empty with them.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>

#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/qapi/qmp_fixture.h"

#ifndef QOMIO_SANITIZED

namespace {

constinit thread_local int to_succeed = -1;  // allocations before the one that fails; -1: none fails
constinit thread_local bool one_fails = true;
constinit thread_local int failed = 0;
constinit std::atomic<long> alive = 0;

bool is_to_fail() {
  if (to_succeed < 0) return false;
  if (to_succeed > 0) {
    --to_succeed;
    return false;
  }
  if (one_fails) to_succeed = -1;
  ++failed;
  return true;
}

void* allocate(std::size_t size, std::size_t alignment) {
  if (is_to_fail()) throw std::bad_alloc();
  void* const memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  ++alive;
  return memory;
}
void give_back(void* memory) {
  if (memory) --alive;
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }

namespace qomio {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Runs the call; after `allocations` successes the next allocation fails or, unless `once`, all later ones.
// Returns whether any failed.
template <class Call>
bool fails_after(int allocations, bool once, const Call& call) {
  failed = 0;
  one_fails = once;
  to_succeed = allocations;
  call();
  to_succeed = -1;
  return failed > 0;
}

Json nested(int depth) {
  Json value = 1;
  for (int i = 0; i < depth; ++i) {
    value = i % 2 == 0
                ? Json{{"a long name for what is in it", std::move(value)}, {"list", {1, {2, {3}}, {}}}}
                : Json::array({{{"x", {{"y", "a text that needs memory of its own"}}}}, std::move(value), 5});
  }
  return value;
}

TEST(JsonClear, frees_everything_without_needing_memory) {
  for (int depth = 0; depth < 20; ++depth) {
    const long before = alive;
    {
      Json value = nested(depth);
      fails_after(0, false, [&] { json_clear(value); });
      EXPECT_EQ(failed, 0);
      EXPECT_TRUE(value.is_null());
    }
    EXPECT_EQ(alive, before);
  }
}

TEST(JsonCopy, is_the_same_value_or_a_part_that_can_be_freed) {
  const Json value = nested(6);
  for (const bool once : {true, false}) {
    bool has_failed = true;
    for (int allocations = 0; has_failed; ++allocations) {
      const long before = alive;
      bool is_same = false;
      {
        Json copy;
        has_failed = fails_after(allocations, once, [&] {
          const JsonClearer clearer(copy);
          try {
            json_copy(value, copy);
            is_same = copy == value;
          } catch (const std::bad_alloc&) {
            is_same = false;
          }
        });
      }
      EXPECT_EQ(is_same, !has_failed);
      EXPECT_EQ(alive, before);
    }
  }
}

TEST(JsonClear, needs_no_more_stack_for_a_deeper_value) {
  Json value;
  for (int i = 0; i < 1'000'000; ++i) {
    Json outer = i % 2 == 0 ? Json::array() : Json::object();
    if (outer.is_array()) {
      outer.get_ref<Json::array_t&>().push_back(std::move(value));
    } else {
      outer.get_ref<Json::object_t&>().emplace_back("a", std::move(value));
    }
    value = std::move(outer);
  }
  json_clear(value);
  EXPECT_TRUE(value.is_null());
}

struct Passed {
  Json any;
  std::vector<Json> many;
  std::optional<Json> maybe;
  static constexpr std::string_view type_name = "Passed";
  static constexpr auto members = member_list(member("any", &Passed::any), member("many", &Passed::many),
                                              member("maybe", &Passed::maybe));
};

class QmpWithoutMemoryTest : public QmpServerTest {
 protected:
  QmpWithoutMemoryTest() {
    // A handler that copies a Json must free it with json_clear(), like the library; this one only moves it.
    registry_.add(
        command("pass", "for tests", +[](Passed passed) { return Result<Passed>(std::move(passed)); }));
    registry_.add(command(
        "later", "for tests", +[](const Passed&, Answer<Passed> answer) {
          std::thread([answer] {
            fails_after(0, false, [&] { answer.send(std::unexpected(Error::out_of_memory())); });
          }).join();
        }));
    Event wanted = event<Tick>("ASKED_FOR", "for tests");
    wanted.on_request = true;
    registry_.add(std::move(wanted));
  }

  // Connects, sends the script, and shuts down sending, while one allocation of the server after the other
  // fails. The client may be dropped or get an error; another client must not notice.
  void survive(std::string_view script, std::string_view good_answer) {
    TestClient other = negotiated();
    for (const bool once : {true, false}) {
      bool has_failed = true;
      for (int allocations = 0; has_failed; ++allocations) {
        TestClient client(path_);
        client.send_some(script);
        has_failed = fails_after(allocations, once, [this] { settle(); });
        client.shut_down_sending();
        const auto answers = lines(client);
        EXPECT_TRUE(client.ended()) << allocations;
        for (const auto& answer : answers) {
          EXPECT_TRUE(nlohmann::json::accept(answer)) << allocations << ": " << answer;
        }
        if (!has_failed) {
          EXPECT_THAT(answers.empty() ? "" : answers.back(), HasSubstr(good_answer));
        }
        EXPECT_THAT(ask(other, "{'execute':'query-version'}"), ElementsAre(StartsWith(R"({"return")")))
            << allocations;
        if (HasFailure()) return;
      }
    }
  }

  static std::string session(std::string_view request) {
    return fmt::format("{{'execute':'qmp_capabilities','id':[{{'a':[1]}}]}}{}", request);
  }
  const std::string deep_ = json_text(nested(6));
};

TEST_F(QmpWithoutMemoryTest, a_client_that_only_negotiates) { survive(session(""), R"("return": {})"); }

TEST_F(QmpWithoutMemoryTest, a_command_and_its_reply) {
  survive(session("{'execute':'query-version','id':{'a':[{'b':1}]}}"), "qemu");
}

TEST_F(QmpWithoutMemoryTest, a_command_about_all_commands) {
  survive(session("{'execute':'query-commands'}"), "query-version");
}

TEST_F(QmpWithoutMemoryTest, a_command_about_all_types) {
  survive(session("{'execute':'query-qmp-schema'}"), "meta-type");
}

TEST_F(QmpWithoutMemoryTest, values_of_any_type_that_come_and_go) {
  survive(
      session(fmt::format(
          "{{'execute':'pass','arguments':{{'any':{0},'many':[{0},[{0}]],'maybe':{0}}},'id':{0}}}", deep_)),
      "return");
}

TEST_F(QmpWithoutMemoryTest, arguments_that_are_refused_half_read) {
  survive(session(fmt::format(
              "{{'execute':'pass','arguments':{{'any':{0},'many':[{0},{0}],'nope':{0}}},'id':{0}}}", deep_)),
          "is unexpected");
}

TEST_F(QmpWithoutMemoryTest, a_command_that_another_thread_answers) {
  survive(
      session(fmt::format("{{'execute':'later','arguments':{{'any':{0},'many':[{0}]}},'id':{0}}}", deep_)),
      "out of memory");
}

TEST_F(QmpWithoutMemoryTest, requests_that_are_no_requests) {
  survive(session(fmt::format("{{'nope':{0},'id':{0}}}", deep_)), "is unexpected");
  survive(session(fmt::format("{{'nope':[{0},{{'a':{0},'a':{0}}}]}}", deep_)), "duplicate key");
  survive(session(fmt::format("[{0},{0}]", deep_)), "must be a JSON object");
}

TEST_F(QmpWithoutMemoryTest, a_client_that_leaves_in_the_middle_of_a_request) {
  survive(session(fmt::format("{{'execute':'pass','arguments':{{'any':{0},'many':[{0}", deep_)), "return");
}

TEST_F(QmpWithoutMemoryTest, a_subscription) {
  survive(session("{'execute':'subscribe-events','arguments':{'events':['ASKED_FOR']}}"), R"("return": {})");
}

TEST_F(QmpWithoutMemoryTest, an_event_for_several_clients) {
  server_->limit_event_rate("TICK");
  TestClient first = negotiated();
  TestClient second = negotiated();
  const Tick tick{true, "a reason that is too long to stand in the string itself"};
  for (const bool once : {true, false}) {
    bool has_failed = true;
    for (int allocations = 0; has_failed; ++allocations) {
      has_failed = fails_after(allocations, once, [&] {
        registry_.emit("ASKED_FOR", tick);
        registry_.emit("TICK", tick);
        settle();
      });
    }
  }
  lines(first);
  lines(second);
  EXPECT_THAT(ask(first, "{'execute':'query-version'}"), ElementsAre(StartsWith(R"({"return")")));
  EXPECT_THAT(ask(second, "{'execute':'query-version'}"), ElementsAre(StartsWith(R"({"return")")));
}

TEST_F(QmpWithoutMemoryTest, a_client_that_is_handed_over) {
  for (const bool once : {true, false}) {
    bool has_failed = true;
    for (int allocations = 0; has_failed; ++allocations) {
      int pair[2];
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
      TestClient client(pair[0]);
      Result<void> added;
      has_failed = fails_after(allocations, once, [&] { added = server_->add_client(pair[1]); });
      EXPECT_EQ(added.has_value(), !has_failed) << allocations;
      if (!added) {
        lines(client);  // it may have received the greeting
        EXPECT_TRUE(client.ended()) << allocations;
      }
    }
  }
}

}  // namespace
}  // namespace qomio

#endif
