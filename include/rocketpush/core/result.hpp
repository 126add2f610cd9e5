#ifndef ROCKETPUSH_CORE_RESULT_HPP
#define ROCKETPUSH_CORE_RESULT_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/assert.hpp>

#include <concepts>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

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
    result(T value) : state_(std::in_place_index<0>, std::move(value)) {}

    result(std::error_code code) : state_(std::in_place_index<1>, code) {
        ROCKETPUSH_ASSERT(code, "a result is made from a value or from a failure");
    }

    template <class Enum>
        requires std::is_error_code_enum_v<Enum>
    result(Enum code) : result(std::error_code(code)) {}

    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The failure; a default (false) code when there is a value.
    std::error_code error() const noexcept { return has_value() ? std::error_code() : *std::get_if<1>(&state_); }

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
        return *std::get_if<0>(&state_);
    }

    std::variant<T, std::error_code> state_;
};

} // namespace rocketpush

#endif
