#ifndef ROCKETPUSH_DETAIL_PROCESS_BOUND_HPP
#define ROCKETPUSH_DETAIL_PROCESS_BOUND_HPP

#include <rocketpush/core/error.hpp>

#include <sys/types.h>
#include <unistd.h>

#include <memory>
#include <system_error>
#include <utility>

namespace rocketpush::detail {

/// The process in which something was made. A child of fork() has a copy of it, without its threads; and its sockets, its epoll
/// instance and its timers are still the parent's.
class process_mark {
  public:
    bool is_here() const noexcept { return ::getpid() == made_in_; }

  private:
    pid_t made_in_ = ::getpid();
};

/**
 * @brief Shared ownership by a handle, in the process that made it. In a child of fork() what is owned is neither reached (it
 *        throws error::used_after_fork) nor ever let go of: a destructor would wait for threads that are not there, for locks that
 *        one of them held, or take the parent's sockets out of the epoll instance that both have.
 *
 * So a child leaks the copy, which costs it nothing: its pages are the parent's until somebody writes to them.
 */
template <class T>
class process_bound {
  public:
    process_bound() = default;
    explicit process_bound(std::shared_ptr<T> owned) noexcept : owned_(std::move(owned)) {}
    process_bound& operator=(std::shared_ptr<T> owned) noexcept {
        abandon_elsewhere();
        owned_ = std::move(owned);
        home_  = {};
        return *this;
    }
    process_bound(const process_bound&)            = delete;
    process_bound& operator=(const process_bound&) = delete;
    ~process_bound() { abandon_elsewhere(); }

    explicit operator bool() const noexcept { return owned_ != nullptr; }

    /// error::used_after_fork, or no error.
    std::error_code problem() const noexcept {
        return home_.is_here() ? std::error_code() : make_error_code(error::used_after_fork);
    }

    /// @throw std::system_error  error::used_after_fork
    const std::shared_ptr<T>& shared() const {
        if (const auto misplaced = problem())
            throw std::system_error(misplaced);
        return owned_;
    }
    T* operator->() const { return shared().get(); }

    /// What does not change may be read anywhere.
    const T& look() const noexcept { return *owned_; }

    void reset() noexcept {
        abandon_elsewhere();
        owned_.reset();
    }

  private:
    void abandon_elsewhere() noexcept {
        if (owned_ && !home_.is_here())
            new std::shared_ptr<T>(std::move(owned_));
    }

    process_mark home_;
    std::shared_ptr<T> owned_;
};

} // namespace rocketpush::detail

#endif
