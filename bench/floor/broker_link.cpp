#include "broker_link.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace bare {
namespace {

/// The text between `before` and the next quote, searched from `at`; `at` moves behind it.
std::string text_after(std::string_view json, std::string_view before, std::size_t& at) {
    const auto found = json.find(before, at);
    if (found == std::string_view::npos)
        throw link_error("the route has no " + std::string(before));
    const auto begin = found + before.size();
    const auto end   = json.find('"', begin);
    if (end == std::string_view::npos)
        throw link_error("the route is cut off");
    at = end;
    return std::string(json.substr(begin, end - begin));
}

void receive_exactly(int socket, char* into, std::size_t size) {
    while (size != 0) {
        const auto got = ::recv(socket, into, size, 0);
        if (got <= 0)
            throw link_error("the name server closed the connection");
        into += got;
        size -= static_cast<std::size_t>(got);
    }
}

} // namespace

std::int64_t find_number(std::string_view json, std::string_view name, std::int64_t absent) noexcept {
    for (auto at = json.find(name); at != std::string_view::npos; at = json.find(name, at + 1)) {
        auto digits = json.substr(at + name.size());
        if (at == 0 || json[at - 1] != '"' || !digits.starts_with("\":"))
            continue;
        digits.remove_prefix(2);
        if (digits.starts_with('"'))
            digits.remove_prefix(1);
        std::int64_t value = absent;
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return value;
    }
    return absent;
}

int connect_to(const std::string& address) {
    const auto colon = address.rfind(':');
    if (colon == std::string::npos)
        throw link_error(address + ": an address is HOST:PORT");
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found   = nullptr;
    if (const int failure =
            ::getaddrinfo(address.substr(0, colon).c_str(), address.substr(colon + 1).c_str(), &hints, &found);
        failure != 0)
        throw link_error(address + ": " + ::gai_strerror(failure));
    int connected = -1;
    int why       = 0;
    for (const auto* each = found; each && connected < 0; each = each->ai_next) {
        connected = ::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
        if (connected >= 0 && ::connect(connected, each->ai_addr, each->ai_addrlen) != 0) {
            why = errno;
            ::close(connected);
            connected = -1;
        }
    }
    ::freeaddrinfo(found);
    if (connected < 0)
        throw link_error(address + ": " + std::strerror(why));
    const int on = 1;
    ::setsockopt(connected, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connected;
}

void send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            throw link_error(std::string("cannot send: ") + std::strerror(errno));
        if (sent > 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

route ask_route(const std::string& name_server, const std::string& topic) {
    const int socket = connect_to(name_server.substr(0, name_server.find(';')));
    std::string request;
    append_frame(request, R"({"code":105,"flag":0,"language":"CPP","opaque":1,"version":441,"extFields":{"topic":")",
                 topic, "\"}}");
    send_all(socket, request);
    char prefix[8];
    receive_exactly(socket, prefix, sizeof prefix);
    std::string answer(load_big32(prefix) - 4, '\0');
    receive_exactly(socket, answer.data(), answer.size());
    ::close(socket);
    const auto header_size = load_big32(prefix + 4) & 0xFFFFFF;
    const auto header      = std::string_view(answer).substr(0, header_size);
    const auto body        = std::string_view(answer).substr(header.size());
    if (const auto code = find_number(header, "code", -1); code != 0)
        throw link_error("no route of topic " + topic + ": " + std::string(header));

    std::size_t at = 0;
    route found;
    found.broker_address = text_after(body, R"("brokerAddrs":{"0":")", at);
    found.broker_name    = text_after(body, R"("brokerName":")", at);
    if (body.find("\"brokerAddrs\"", at) != std::string_view::npos)
        throw link_error("topic " + topic + " is on several brokers; the bare loop reads from one");
    found.queues = static_cast<int>(find_number(body, "readQueueNums", 0));
    if (found.queues <= 0)
        throw link_error("topic " + topic + " has no queue to read");
    return found;
}

} // namespace bare
