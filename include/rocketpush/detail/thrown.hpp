#ifndef ROCKETPUSH_DETAIL_THROWN_HPP
#define ROCKETPUSH_DETAIL_THROWN_HPP

#include <new>
#include <system_error>

namespace rocketpush::detail {

/**
 * @brief What the exception that is being handled comes to, where others wait for an error code and must not wait for ever.
 * @return The code of a `std::system_error`; std::errc::not_enough_memory; of all else, a policy's own, std::errc::io_error.
 */
inline std::error_code code_of_thrown() noexcept {
    try {
        throw;
    } catch (const std::system_error& failure) {
        return failure.code();
    } catch (const std::bad_alloc&) {
        return std::make_error_code(std::errc::not_enough_memory);
    } catch (...) {
        return std::make_error_code(std::errc::io_error);
    }
}

} // namespace rocketpush::detail

#endif
