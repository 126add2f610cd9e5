#ifndef ROCKETPUSH_CORE_RESULT_HPP
#define ROCKETPUSH_CORE_RESULT_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/assert.hpp>

#include <memory>
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
    result(T value) : has_value_(true), value_(std::move(value)) {}

    result(std::error_code code) : error_(code) {
        ROCKETPUSH_ASSERT(code, "a result is made from a value or from a failure");
    }

    template <class Enum>
        requires std::is_error_code_enum_v<Enum>
    result(Enum code) : result(std::error_code(code)) {}

    result(const result& other) : error_(other.error_) {
        if (other.has_value_)
            keep(other.value_);
    }
    result(result&& other) noexcept : error_(other.error_) {
        if (other.has_value_)
            keep(std::move(other.value_));
    }
    result& operator=(result other) noexcept {
        drop();
        error_ = other.error_;
        if (other.has_value_)
            keep(std::move(other.value_));
        return *this;
    }
    ~result() { drop(); }

    bool has_value() const noexcept { return has_value_; }
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
        return value_;
    }

    template <class From>
    void keep(From&& from) {
        std::construct_at(&value_, std::forward<From>(from));
        has_value_ = true;
    }
    void drop() noexcept {
        if (std::exchange(has_value_, false))
            value_.~T();
    }

    // A result is in most signatures, and std::variant and std::optional are slow to compile.
    std::error_code error_;
    bool has_value_ = false;
    union {
        T value_;
    };
};

} // namespace rocketpush

#endif
