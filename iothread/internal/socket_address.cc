// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/socket_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "qomio/qapi/internal/unix_listening_socket.h"

namespace qomio::internal {

namespace {

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  return problem == std::errc() && end == text.data() + text.size();
}

SystemAddress system_address(const sockaddr* address, socklen_t length) {
  SystemAddress result;
  std::memcpy(&result.storage, address, length);
  result.length = length;
  return result;
}

std::string ip_text(const sockaddr* address, socklen_t length) {
  std::array<char, NI_MAXHOST> host = {};
  std::array<char, NI_MAXSERV> port = {};
  if (getnameinfo(address, length, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  if (address->sa_family == AF_INET6) return fmt::format("tcp:[{}]:{}", host.data(), port.data());
  return fmt::format("tcp:{}:{}", host.data(), port.data());
}

}  // namespace

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  SocketAddress result;
  if (text.contains('\0')) return error("an address contains a null byte");
  if (text.starts_with("unix:")) {
    result.is_unix = true;
    result.path = text.substr(5);
    if (auto r = unix_socket_address(result.path); !r) return failure(r);
    return result;
  }
  if (!text.starts_with("tcp:")) return error("address '{}' is neither tcp:HOST:PORT nor unix:PATH", text);
  const std::string_view rest = text.substr(4);
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return error("address '{}' has no port", text);
  std::string_view host = rest.substr(0, colon);
  result.port = rest.substr(colon + 1);
  if (!is_port(result.port))
    return error("port '{}' in address '{}' is not a number from 0 to 65535", result.port, text);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    in6_addr ignored;
    const std::string address(host.substr(0, host.find('%')));
    if (inet_pton(AF_INET6, address.c_str(), &ignored) != 1)
      return error("'{}' in address '{}' is not an IPv6 address", host, text);
  } else if (host.find_first_of("[]:") != std::string_view::npos) {
    return error("address '{}' needs brackets around its IPv6 address: tcp:[ADDRESS]:PORT", text);
  }
  result.host = host;
  return result;
}

bool SystemAddress::is_any() const {
  if (family() == AF_INET6)
    return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr);
  return family() == AF_INET &&
         reinterpret_cast<const sockaddr_in&>(storage).sin_addr.s_addr == htonl(INADDR_ANY);
}

std::string SystemAddress::text() const {
  if (family() == AF_UNIX) {
    const auto& address = reinterpret_cast<const sockaddr_un&>(storage);
    const std::size_t prefix = offsetof(sockaddr_un, sun_path);
    if (length <= prefix) return "unix:";
    return "unix:" + std::string(address.sun_path, strnlen(address.sun_path, length - prefix));
  }
  if (family() != AF_INET && family() != AF_INET6) return {};
  const auto& ip6 = reinterpret_cast<const sockaddr_in6&>(storage);
  if (family() == AF_INET || !IN6_IS_ADDR_V4MAPPED(&ip6.sin6_addr)) return ip_text(get(), length);
  sockaddr_in ip4 = {};
  ip4.sin_family = AF_INET;
  ip4.sin_port = ip6.sin6_port;
  std::memcpy(&ip4.sin_addr, &ip6.sin6_addr.s6_addr[12], sizeof(ip4.sin_addr));
  return ip_text(reinterpret_cast<const sockaddr*>(&ip4), sizeof(ip4));
}

Result<std::vector<SystemAddress>> resolve(const SocketAddress& address, bool passive, bool numeric_only) {
  if (address.is_unix) {
    const auto path = unix_socket_address(address.path);
    if (!path) return std::unexpected(path.error());
    return std::vector{system_address(reinterpret_cast<const sockaddr*>(&*path), sizeof(*path))};
  }
  addrinfo wanted = {};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0) | (numeric_only ? AI_NUMERICHOST : 0);
  addrinfo* found = nullptr;
  const char* const host = address.host.empty() ? nullptr : address.host.c_str();
  const int problem = getaddrinfo(host, address.port.c_str(), &wanted, &found);
  if (problem == EAI_SYSTEM) return errno_error(errno, fmt::format("Failed to resolve '{}'", address.host));
  if (problem != 0) return error("Failed to resolve '{}': {}", address.host, gai_strerror(problem));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, freeaddrinfo);
  std::vector<SystemAddress> result;
  // All addresses: IPv6 first, since one IPv6 socket listens at all IPv4 addresses, too.
  const bool is_any = passive && address.host.empty();
  for (const addrinfo* each = found; each; each = each->ai_next) {
    const bool goes_first = is_any && each->ai_family == AF_INET6;
    result.insert(goes_first ? result.begin() : result.end(),
                  system_address(each->ai_addr, each->ai_addrlen));
  }
  return result;
}

}  // namespace qomio::internal
