#ifndef ROCKETPUSH_CORE_HOST_ADDRESS_HPP
#define ROCKETPUSH_CORE_HOST_ADDRESS_HPP

#include <rocketpush/detail/byte_order.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace rocketpush {

/**
 * @brief A numeric address and port as stored messages hold them: who sent one, who stored it.
 *
 * The port is 32 bits wide because it is on the wire.
 */
class host_address {
  public:
    constexpr host_address() noexcept = default; ///< 0.0.0.0:0
    constexpr host_address(const std::array<unsigned char, 4>& v4, std::int32_t port) noexcept : port_(port) {
        std::copy(v4.begin(), v4.end(), bytes_.begin());
    }
    constexpr host_address(const std::array<unsigned char, 16>& v6, std::int32_t port) noexcept
        : bytes_(v6), port_(port), v6_(true) {}

    /// @param from  4 or, for IPv6, 16 address bytes, then the port; all of them are there.
    static host_address read(const char* from, bool v6) noexcept {
        host_address address;
        address.v6_ = v6;
        std::memcpy(address.bytes_.data(), from, address.address_size());
        address.port_ = detail::load_big<std::int32_t>(from + address.address_size());
        return address;
    }

    /// Appends the bytes that `read` reads.
    void append_to(std::string& out) const {
        out.append(address_bytes());
        char port[4];
        detail::store_big(port, port_);
        out.append(port, sizeof port);
    }

    bool is_v6() const noexcept { return v6_; }
    std::int32_t port() const noexcept { return port_; }
    /// 4 or 16 bytes in network order.
    std::string_view address_bytes() const noexcept {
        return {reinterpret_cast<const char*>(bytes_.data()), address_size()};
    }

    /// `127.0.0.1:10911`, `[::1]:10911`.
    std::string to_string() const {
        std::string text;
        if (v6_) {
            text += '[';
            append_v6(text);
            text += ']';
        } else {
            for (std::size_t i = 0; i < 4; ++i) {
                text += i == 0 ? "" : ".";
                append_number(text, bytes_[i], 10);
            }
        }
        text += ':';
        append_number(text, port_, 10);
        return text;
    }

    friend bool operator==(const host_address&, const host_address&) = default;

  private:
    std::size_t address_size() const noexcept { return v6_ ? 16 : 4; }

    template <class Number>
    static void append_number(std::string& out, Number value, int base) {
        char digits[16];
        out.append(digits, std::to_chars(digits, digits + sizeof digits, value, base).ptr);
    }

    /// RFC 5952: lower case, the first longest run of two or more zero groups as `::`.
    void append_v6(std::string& out) const {
        const auto group      = [this](std::size_t i) { return bytes_[2 * i] * 256u + bytes_[2 * i + 1]; };
        std::size_t run_begin = 8, run_size = 1;
        for (std::size_t i = 0; i < 8; ++i) {
            std::size_t end = i;
            while (end < 8 && group(end) == 0)
                ++end;
            if (end - i > run_size) {
                run_begin = i;
                run_size  = end - i;
            }
        }
        for (std::size_t i = 0; i < 8;) {
            if (i == run_begin) {
                out += "::";
                i += run_size;
                continue;
            }
            if (i != 0 && i != run_begin + run_size)
                out += ':';
            append_number(out, group(i), 16);
            ++i;
        }
    }

    std::array<unsigned char, 16> bytes_{};
    std::int32_t port_ = 0;
    bool v6_           = false;
};

} // namespace rocketpush

#endif
