// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "qomio/iothread/cancellation.h"
#include "qomio/iothread/internal/socket_operation.h"
#include "qomio/iothread/socket.h"
#include "qomio/qapi/error.h"

namespace qomio {

// Reads lines and blocks of a known size from a socket:
//
//     BufferedReader reader(client);
//     for (;;) {
//       const auto line = co_await reader.until('\n');
//       if (!line || line->empty()) co_return;
//       ...
//
// It receives as much as there is, so read everything from the reader, not from the socket. When until() is
// cancelled or fails, what was received stays in the reader; what exactly() has stored by then is lost.
//
// Thread: that of the socket, which must outlive the reader's operations. One operation at a time.
class BufferedReader {
 public:
  class Until;
  class Exactly;

  // limit: the longest text that until() returns, in bytes, at least 1. The reader allocates that much.
  explicit BufferedReader(Socket& socket, std::size_t limit = 65536);
  BufferedReader(const BufferedReader&) = delete;
  BufferedReader& operator=(const BufferedReader&) = delete;

  // `co_await reader.until('\n')`: returns what comes up to the delimiter, and the delimiter. At the end of
  // the connection returns the rest, which has no delimiter, and after that an empty text. Valid until the
  // next operation of the reader. Errors: those of Socket::receive(); "No delimiter in 65536 bytes", in which
  // case nothing is consumed.
  Until until(char delimiter, Cancellation* cancellation = nullptr);
  // `co_await reader.exactly(buffer)`: fills the buffer and returns its size; 0 if the connection ended
  // before the first byte. Errors: those of Socket::receive(); "The connection ended after 3 of 8 bytes".
  Exactly exactly(std::span<std::byte> buffer, Cancellation* cancellation = nullptr);

  // What has been received and not been read.
  std::size_t buffered() const { return end_ - begin_; }

 private:
  std::span<std::byte> room();
  std::span<const std::byte> take(std::size_t size);

  Socket& socket_;
  const std::size_t limit_;
  const std::unique_ptr<std::byte[]> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what has been received and not been read
};

class [[nodiscard]] BufferedReader::Until final : public internal::SocketOperation {
 public:
  Until(BufferedReader& reader, char delimiter, Cancellation* cancellation)
      : SocketOperation(reader.socket_.fd(), FdDirection::read, cancellation),
        reader_(reader),
        delimiter_(delimiter) {}
  Result<std::string_view> await_resume() const;

 private:
  bool proceed(int most_calls) override;
  bool find();

  BufferedReader& reader_;
  const char delimiter_;
  std::size_t searched_ = 0;  // the delimiter is not in that many bytes
  bool too_long_ = false;
  std::span<const std::byte> found_;
};

class [[nodiscard]] BufferedReader::Exactly final : public internal::SocketOperation {
 public:
  Exactly(BufferedReader& reader, std::span<std::byte> buffer, Cancellation* cancellation)
      : SocketOperation(reader.socket_.fd(), FdDirection::read, cancellation),
        reader_(reader),
        buffer_(buffer) {}
  Result<std::size_t> await_resume() const;

 private:
  bool proceed(int most_calls) override;

  BufferedReader& reader_;
  const std::span<std::byte> buffer_;
  std::size_t done_ = 0;
};

}  // namespace qomio
