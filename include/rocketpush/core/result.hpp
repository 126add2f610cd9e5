#ifndef ROCKETPUSH_CORE_RESULT_HPP
#define ROCKETPUSH_CORE_RESULT_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/assert.hpp>

#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

namespace rocketpush {

/**
 * @brief A value, or the error code that says why there is none.
 *
 * Made from either without ceremony: `return error::no_route;` or `return queues;`. Absent is not failed:
 * "no offset yet" is a `result<std::optional<queue_offset>>` that holds an empty optional.
 */
template <class T>
class [[nodiscard]] result {
  public:
    result(T value) : value_(std::move(value)) {}

    result(std::error_code code) : error_(code) {
        ROCKETPUSH_ASSERT(code, "a result is made from a value or from a failure");
    }

    template <class Enum>
        requires std::is_error_code_enum_v<Enum>
    result(Enum code) : result(std::error_code(code)) {}

    bool has_value() const noexcept { return value_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }

    /// The failure; a default (false) code when there is a value.
    std::error_code error() const noexcept { return error_; }

    T& value() & noexcept { return checked(); }
    const T& value() const& noexcept { return const_cast<result*>(this)->checked(); }
    T&& value() && noexcept { return std::move(checked()); }

    T& operator*() & noexcept { return checked(); }
    const T& operator*() const& noexcept { return value(); }
    T&& operator*() && noexcept { return std::move(checked()); }
    T* operator->() noexcept { return &checked(); }
    const T* operator->() const noexcept { return &value(); }

  private:
    T& checked() noexcept {
        ROCKETPUSH_ASSERT(has_value(), "the value of a result is read only after it was tested");
        return *value_;
    }

    // Not a std::variant: a result is in most signatures, and variants are slow to compile.
    std::optional<T> value_;
    std::error_code error_;
};

} // namespace rocketpush

#endif
