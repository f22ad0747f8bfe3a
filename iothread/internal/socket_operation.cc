// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/socket_operation.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "qomio/qapi/internal/invariant.h"

namespace qomio::internal {

namespace {

constexpr std::size_t kMostDescriptors = 253;  // the kernel's SCM_MAX_FD

template <class Call>
ssize_t repeat_if_interrupted(const Call& call) {
  for (;;) {
    const ssize_t result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

// Room for the control message with the descriptors.
struct alignas(cmsghdr) ControlBuffer {
  std::array<char, CMSG_SPACE(kMostDescriptors * sizeof(int))> bytes;
};

// Moves the descriptors of a received message to the end of `received`.
void take_descriptors(msghdr& message, std::vector<FileDescriptor>& received) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      received.emplace_back(fd);
    }
  }
}

}  // namespace

ssize_t SocketOperation::receive_into(int fd, std::span<std::byte> buffer) {
  return repeat_if_interrupted([&] { return ::recv(fd, buffer.data(), buffer.size(), 0); });
}

SocketOperation::SocketOperation(int fd, FdDirection direction, Cancellation* cancellation)
    : FdAwaiter(fd, direction, cancellation) {
  invariant(fd >= 0, "an operation is made on a Socket or Acceptor that was moved from or released");
}

bool SocketOperation::completes_at_once(const CancelState* scope) {
  if (is_cancelled(scope)) return true;
  if (!proceed(may_complete_at_once() ? kMostCalls : 0)) return false;
  occurred();
  return true;
}

bool SocketOperation::failed(int number) {
  if (number == EAGAIN || number == EWOULDBLOCK) return false;
  error_ = number;
  return true;
}

Result<void> SocketOperation::outcome(const char* what) const {
  if (!Awaiter::await_resume()) return std::unexpected(Error::cancelled());
  if (error_ != 0) return errno_error(error_, what);
  return {};
}

SocketTransfer::SocketTransfer(Kind kind, int fd, iovec first, std::span<const iovec> others,
                               Cancellation* cancellation)
    : SocketOperation(fd, kind == Kind::receive ? FdDirection::read : FdDirection::write, cancellation),
      kind_(kind),
      first_(first),
      others_(others) {
  advance(0);
  invariant(kind != Kind::receive || !is_done(), "Socket::receive() is called with an empty buffer");
}

bool SocketTransfer::is_done() const { return first_.iov_len == 0 && others_.empty(); }

// Afterwards first_ is not empty, unless everything is done.
void SocketTransfer::advance(std::size_t size) {
  for (;;) {
    const std::size_t part = std::min(size, first_.iov_len);
    first_.iov_base = static_cast<std::byte*>(first_.iov_base) + part;
    first_.iov_len -= part;
    size -= part;
    if (first_.iov_len > 0 || others_.empty()) return;
    first_ = others_.front();
    others_ = others_.subspan(1);
  }
}

bool SocketTransfer::proceed(int most_calls) {
  for (; !is_done(); --most_calls) {
    if (most_calls == 0) return false;
    const ssize_t size = repeat_if_interrupted([this] { return transfer(); });
    if (size < 0) return failed(errno);
    done_ += static_cast<std::size_t>(size);
    if (kind_ != Kind::send_all) return true;
    advance(static_cast<std::size_t>(size));
  }
  return true;
}

ssize_t SocketTransfer::transfer() {
  if (others_.empty()) {
    return kind_ == Kind::receive ? ::recv(fd(), first_.iov_base, first_.iov_len, 0)
                                  : ::send(fd(), first_.iov_base, first_.iov_len, MSG_NOSIGNAL);
  }
  // The first buffer may be a rest, so the list is copied; more buffers wait for another call.
  std::array<iovec, 64> list;
  list[0] = first_;
  const std::size_t more = std::min(others_.size(), list.size() - 1);
  std::copy_n(others_.begin(), more, list.begin() + 1);
  msghdr message = {};
  message.msg_iov = list.data();
  message.msg_iovlen = more + 1;
  return kind_ == Kind::receive ? ::recvmsg(fd(), &message, 0) : ::sendmsg(fd(), &message, MSG_NOSIGNAL);
}

Result<std::size_t> SocketTransfer::await_resume() const {
  if (auto r = outcome(kind_ == Kind::receive ? "Failed to receive" : "Failed to send"); !r)
    return failure(r);
  return done_;
}

DescriptorTransfer::DescriptorTransfer(int fd, iovec bytes, std::vector<FileDescriptor>& received,
                                       Cancellation* cancellation)
    : SocketOperation(fd, FdDirection::read, cancellation), bytes_(bytes), received_(&received) {
  invariant(bytes.iov_len > 0, "Socket::receive() is called with an empty buffer");
}

DescriptorTransfer::DescriptorTransfer(int fd, iovec bytes, std::span<const int> sent,
                                       Cancellation* cancellation)
    : SocketOperation(fd, FdDirection::write, cancellation), bytes_(bytes), sent_(sent) {
  invariant(bytes.iov_len > 0, "Socket::send() of descriptors is called without a byte");
}

bool DescriptorTransfer::proceed(int most_calls) {
  if (most_calls == 0) return false;
  return received_ ? receive() : send();
}

bool DescriptorTransfer::receive() {
  ControlBuffer control;
  msghdr message = {};
  message.msg_iov = &bytes_;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const ssize_t size = repeat_if_interrupted([&] { return ::recvmsg(fd(), &message, MSG_CMSG_CLOEXEC); });
  if (size < 0) return failed(errno);
  done_ = static_cast<std::size_t>(size);
  std::vector<FileDescriptor> descriptors;
  take_descriptors(message, descriptors);
  // The buffer has room for all, so only a limit of this process cuts them.
  if (message.msg_flags & MSG_CTRUNC) return failed(EMFILE);
  std::ranges::move(descriptors, std::back_inserter(*received_));
  return true;
}

bool DescriptorTransfer::send() {
  if (sent_.size() > kMostDescriptors) return failed(EINVAL);
  ControlBuffer control = {};
  msghdr message = {};
  message.msg_iov = &bytes_;
  message.msg_iovlen = 1;
  if (!sent_.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(sent_.size_bytes());
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sent_.size_bytes());
    std::memcpy(CMSG_DATA(part), sent_.data(), sent_.size_bytes());
  }
  const ssize_t size = repeat_if_interrupted([&] { return ::sendmsg(fd(), &message, MSG_NOSIGNAL); });
  if (size < 0) return failed(errno);
  done_ = static_cast<std::size_t>(size);
  return true;
}

Result<std::size_t> DescriptorTransfer::await_resume() const {
  if (auto r = outcome(received_ ? "Failed to receive descriptors" : "Failed to send descriptors"); !r)
    return failure(r);
  return done_;
}

bool SocketAccept::proceed(int most_calls) {
  if (most_calls == 0) return false;
  const ssize_t accepted = repeat_if_interrupted(
      [this] { return ssize_t{::accept4(fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)}; });
  if (accepted < 0) return failed(errno);
  accepted_.reset(static_cast<int>(accepted));
  return true;
}

}  // namespace qomio::internal
