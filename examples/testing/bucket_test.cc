// SPDX-License-Identifier: GPL-2.0-or-later
// A type and its tests: each test has a program of its own, whose time it moves.
#include <gtest/gtest.h>

#include "qomio/iothread/testing.h"
#include "qomio/object/property.h"

using namespace qomio;
using namespace std::chrono_literals;

// Limits something to `rate` a second.
class TokenBucket final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  static void class_init(ObjectClass& klass) {
    klass.add(property("rate", &TokenBucket::rate_).range(1, 1'000'000).default_value(100));
    klass.add(property("tokens", &TokenBucket::tokens));
  }
  Result<void> complete() override {
    refill_ = MainLoop::current()->context().timer([this] { refill(); });
    refill();
    return {};
  }
  std::int64_t tokens() const { return tokens_; }
  void take(std::int64_t count) { tokens_ -= count; }

 private:
  void refill() {
    tokens_ = rate_;
    refill_.arm_after(1s);
  }

  std::int64_t rate_ = 0;
  std::int64_t tokens_ = 0;
  Timer refill_;
};

const TypeInfo TokenBucket::type_info{
    .name = "token-bucket",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<TokenBucket>,
    .class_init = class_init,
};

struct TokenBucketTest : testing::Test {
  TestProgram program;
  TokenBucketTest() { program.register_type(TokenBucket::type_info); }
};

TEST_F(TokenBucketTest, refills_once_a_second) {
  auto bucket = object_new_with_props<TokenBucket>("b0", {{"rate", 500}}).value();
  bucket->take(500);
  program.advance(999ms);
  EXPECT_EQ(bucket->tokens(), 0);
  program.advance(1ms);
  EXPECT_EQ(bucket->tokens(), 500);
}

TEST_F(TokenBucketTest, refuses_a_rate_of_zero) {
  const Json reply = program.qmp("object-add", {{"qom-type", "token-bucket"}, {"id", "b0"}, {"rate", 0}});
  EXPECT_EQ(reply["error"]["class"], "GenericError");
  EXPECT_EQ(object_resolve_path("/objects/b0").object, nullptr);
}

TEST_F(TokenBucketTest, shows_its_tokens_to_clients) {
  program.qmp("object-add", {{"qom-type", "token-bucket"}, {"id", "b0"}});
  EXPECT_EQ(program.qmp(R"({"execute": "qom-get", "arguments": {"path": "b0", "property": "tokens"}})"),
            Json::parse(R"({"return": 100})"));
}
