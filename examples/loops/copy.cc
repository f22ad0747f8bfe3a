// SPDX-License-Identifier: GPL-2.0-or-later
// Copies a file: up to 32 parts at once, each read into four buffers and written from them, without blocking
// the loop. SIGINT, SIGTERM and SIGHUP cancel it.
// usage: copy FROM TO
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ranges>
#include <vector>

#include "qomio/iothread/concurrency.h"
#include "qomio/iothread/coroutine_io.h"
#include "qomio/iothread/main_loop.h"
#include "qomio/qapi/standard_streams.h"

using namespace qomio;

constexpr std::size_t kBuffers = 4;
constexpr std::size_t kBufferSize = 65536;
constexpr std::size_t kPartSize = kBuffers * kBufferSize;

Task<Result<void>> copy_part(int from, int to, std::uint64_t offset) {
  std::vector<std::array<std::byte, kBufferSize>> memory(kBuffers);
  std::vector<iovec> buffers;
  for (auto& buffer : memory) buffers.push_back({buffer.data(), buffer.size()});
  Result<std::size_t> size = co_await co_readv(from, buffers, offset);
  if (!size) co_return failure(size);
  // The last part may be shorter.
  buffers.resize((*size + kBufferSize - 1) / kBufferSize);
  if (*size % kBufferSize != 0) buffers.back().iov_len = *size % kBufferSize;
  if (buffers.empty()) co_return {};
  Result<std::size_t> written = co_await co_writev(to, buffers, offset);
  if (!written) co_return failure(written);
  co_return {};
}

Task<> copy(int from, int to, std::uint64_t size, Result<void>& result) {
  const auto offsets = std::views::iota(std::uint64_t{0}, (size + kPartSize - 1) / kPartSize) |
                       std::views::transform([](std::uint64_t part) { return part * kPartSize; });
  result = co_await for_each_concurrent(
      offsets, 32, [from, to](std::uint64_t offset) { return copy_part(from, to, offset); });
  MainLoop::current()->quit();
}

int main(int argc, char** argv) {
  if (!prepare_standard_streams()) return 1;  // before anything else is opened
  if (argc != 3) return std::fprintf(stderr, "usage: copy FROM TO\n"), 2;
  const int from = ::open(argv[1], O_RDONLY | O_CLOEXEC);
  const int to = ::open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  struct stat file;
  if (from < 0 || to < 0 || ::fstat(from, &file) != 0) return std::perror("open"), 1;

  auto main_loop = MainLoop::create();
  if (!main_loop) return std::fprintf(stderr, "%s\n", main_loop.error().message().c_str()), 1;
  std::fprintf(stderr, "copying %jd bytes\n", static_cast<std::intmax_t>(file.st_size));
  Result<void> result;
  TaskGroup copying;
  copying.start(copy(from, to, static_cast<std::uint64_t>(file.st_size), result));
  main_loop->run();  // until it is copied, or a signal
  copying.cancel();  // does nothing if it is copied
  block_on(copying.join());
  if (!result) return std::fprintf(stderr, "%s\n", result.error().message().c_str()), 1;
  std::printf("%jd bytes\n", static_cast<std::intmax_t>(file.st_size));
  if (std::fflush(stdout) != 0) return std::perror("standard output"), 1;
}
