// SPDX-License-Identifier: GPL-2.0-or-later
// Copies a file with a loop that the program runs itself. A coroutine reads and writes without blocking the
// loop, and without callbacks.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>

#include "qomio/iothread/coroutine_io.h"
#include "qomio/qapi/standard_streams.h"

using namespace qomio;

Task<Result<std::uint64_t>> copy(int from, int to) {
  std::array<std::byte, 65536> buffer;
  for (std::uint64_t offset = 0;;) {
    Result<std::size_t> size = co_await co_read(from, buffer, offset);
    if (!size) co_return failure(size);
    if (*size == 0) co_return offset;
    Result<std::size_t> written = co_await co_write(to, std::span(buffer).first(*size), offset);
    if (!written) co_return failure(written);
    offset += *size;
  }
}

Task<> copy_and_tell(int from, int to, std::optional<int>& status) {
  const Result<std::uint64_t> size = co_await copy(from, to);
  if (size) {
    std::printf("%ju bytes\n", static_cast<std::uintmax_t>(*size));
  } else {
    std::fprintf(stderr, "%s\n", size.error().message().c_str());
  }
  status = size ? 0 : 1;
}

int main(int argc, char** argv) {
  if (!prepare_standard_streams()) return 1;  // before anything else is opened
  if (argc != 3) return std::fprintf(stderr, "usage: copy FROM TO\n"), 2;
  const int from = ::open(argv[1], O_RDONLY | O_CLOEXEC);
  const int to = ::open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (from < 0 || to < 0) return std::perror("open"), 1;

  const auto loop = AioContext::create("copy");
  if (!loop) return std::fprintf(stderr, "%s\n", loop.error().message().c_str()), 1;
  const CurrentAioContext current(**loop);
  std::optional<int> status;
  co_schedule(**loop, copy_and_tell(from, to, status));
  while (!status) (*loop)->poll(true);
  if (std::fflush(stdout) != 0) return std::perror("standard output"), 1;
  return *status;
}
