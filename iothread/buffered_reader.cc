// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/buffered_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "qomio/qapi/internal/invariant.h"

namespace qomio {

BufferedReader::BufferedReader(Socket& socket, std::size_t limit)
    : socket_(socket), limit_(limit), buffer_(std::make_unique_for_overwrite<std::byte[]>(limit)) {
  invariant(limit > 0, "a BufferedReader is created with limit 0");
}

BufferedReader::Until BufferedReader::until(char delimiter, Cancellation* cancellation) {
  return {*this, delimiter, cancellation};
}

BufferedReader::Exactly BufferedReader::exactly(std::span<std::byte> buffer, Cancellation* cancellation) {
  return {*this, buffer, cancellation};
}

// Returns the free space behind the buffered bytes. The buffer must not be full.
std::span<std::byte> BufferedReader::room() {
  if (end_ == limit_) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, buffered());
    end_ -= std::exchange(begin_, 0);
  }
  return {buffer_.get() + end_, limit_ - end_};
}

std::span<const std::byte> BufferedReader::take(std::size_t size) {
  const std::span<const std::byte> taken(buffer_.get() + begin_, size);
  begin_ += size;
  if (begin_ == end_) begin_ = end_ = 0;
  return taken;
}

bool BufferedReader::Until::proceed(int most_calls) {
  for (; !find(); --most_calls) {
    too_long_ = reader_.buffered() == reader_.limit_;
    if (too_long_) return true;
    if (most_calls == 0) return false;
    const ssize_t size = receive_into(fd(), reader_.room());
    if (size < 0) return failed(errno);
    reader_.end_ += static_cast<std::size_t>(size);
    if (size > 0) continue;
    found_ = reader_.take(reader_.buffered());
    return true;
  }
  return true;
}

bool BufferedReader::Until::find() {
  const std::byte* const begin = reader_.buffer_.get() + reader_.begin_;
  const void* const at =
      std::memchr(begin + searched_, static_cast<unsigned char>(delimiter_), reader_.buffered() - searched_);
  searched_ = reader_.buffered();
  if (!at) return false;
  found_ = reader_.take(static_cast<std::size_t>(static_cast<const std::byte*>(at) - begin) + 1);
  return true;
}

Result<std::string_view> BufferedReader::Until::await_resume() const {
  if (auto r = outcome("Failed to receive"); !r) return failure(r);
  if (too_long_) return qomio::error("No delimiter in {} bytes", reader_.limit_);
  return std::string_view(reinterpret_cast<const char*>(found_.data()), found_.size());
}

bool BufferedReader::Exactly::proceed(int most_calls) {
  for (;; --most_calls) {
    const auto ready = reader_.take(std::min(reader_.buffered(), buffer_.size() - done_));
    std::ranges::copy(ready, buffer_.begin() + static_cast<std::ptrdiff_t>(done_));
    done_ += ready.size();
    const std::span<std::byte> rest = buffer_.subspan(done_);
    if (rest.empty()) return true;
    if (most_calls == 0) return false;
    // What does not fit into the reader's buffer is received without a copy.
    const bool direct = rest.size() >= reader_.limit_;
    const ssize_t size = receive_into(fd(), direct ? rest : reader_.room());
    if (size < 0) return failed(errno);
    if (size == 0) return true;
    (direct ? done_ : reader_.end_) += static_cast<std::size_t>(size);
  }
}

Result<std::size_t> BufferedReader::Exactly::await_resume() const {
  if (auto r = outcome("Failed to receive"); !r) return failure(r);
  if (done_ > 0 && done_ < buffer_.size())
    return qomio::error("The connection ended after {} of {} bytes", done_, buffer_.size());
  return done_;
}

}  // namespace qomio
