#ifndef BENCH_FLOOR_BROKER_LINK_HPP
#define BENCH_FLOOR_BROKER_LINK_HPP

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bare {

/// The other side is not there, or did not answer as it should.
struct link_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline std::uint32_t load_big32(const char* from) noexcept {
    const auto byte = [from](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(from[i])); };
    return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

inline void append_big32(std::string& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out += static_cast<char>(value >> shift & 0xFF);
}

/// A frame without a body: length, header length (its highest byte says JSON), header.
inline void append_frame(std::string& out, std::string_view head, std::string_view middle, std::string_view tail) {
    const auto size = static_cast<std::uint32_t>(head.size() + middle.size() + tail.size());
    append_big32(out, 4 + size);
    append_big32(out, size);
    ((out += head) += middle) += tail;
}

/// The number behind `"name":` or `"name":"` in a flat JSON header; `absent` when it is not there.
std::int64_t find_number(std::string_view json, std::string_view name, std::int64_t absent) noexcept;

/// @return A connected blocking socket. @throws link_error
int connect_to(const std::string& address);

void send_all(int socket, std::string_view bytes);

/// Where the queues of a topic are, of a topic on one broker.
struct route {
    std::string broker_address;
    std::string broker_name;
    int queues = 0;
};

/// Asks a name server. @throws link_error
route ask_route(const std::string& name_server, const std::string& topic);

} // namespace bare

#endif
