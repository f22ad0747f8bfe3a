// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "qomio/qapi/error.h"
#include "qomio/qapi/json.h"

namespace qomio {

// The answer to one command, given once: now, or later, when the command has done its work. Copies are the
// same answer. When the last one goes without having answered, the answer is the error `the command was given
// up`.
//
// Thread-safe: the answer may come from any thread.
class Reply {
 public:
  // Takes the answer, in the thread that gives it.
  using Deliver = std::function<void(Result<Json>)>;

  explicit Reply(Deliver deliver) : state_(std::make_shared<State>(std::move(deliver))) {}

  // The first answer counts; later ones, and those that nobody waits for, are dropped.
  void send(Result<Json> answer) const { state_->send(std::move(answer)); }

  // Is there somebody who waits? Not after the answer, nor when the client has left.
  bool is_wanted() const;
  // Runs the hook once when the client leaves before the answer: in the thread of the server, at once when it
  // has left already. It may drop what works on the answer.
  void on_cancel(std::function<void()> hook) const;
  // For whoever waits: no answer is wanted any more. Runs the hook.
  void cancel() const { state_->cancel(); }
  // The same as a function that does not keep the answer.
  std::function<void()> canceller() const;

 private:
  struct State {
    explicit State(Deliver d) : deliver(std::move(d)) {}
    ~State();
    void send(Result<Json> answer);
    void cancel();

    std::mutex mutex;
    Deliver deliver;  // empty: answered or cancelled
    bool cancelled = false;
    std::function<void()> hook;
  };
  std::shared_ptr<State> state_;
};

}  // namespace qomio
