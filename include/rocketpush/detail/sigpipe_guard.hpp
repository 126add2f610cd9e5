#ifndef ROCKETPUSH_DETAIL_SIGPIPE_GUARD_HPP
#define ROCKETPUSH_DETAIL_SIGPIPE_GUARD_HPP

#include <pthread.h>
#include <signal.h>

namespace rocketpush::detail {

/**
 * @brief While it lives, a write of this thread to a pipe without a reader is an error and no SIGPIPE.
 *
 * For the streams that a library writes to in a process that is not its own: the handler for the signal, and whether there is
 * one, stays the program's business. Sockets need none, they are written with MSG_NOSIGNAL.
 */
class sigpipe_guard {
  public:
    sigpipe_guard() noexcept {
        sigset_t waiting;
        ::sigpending(&waiting);
        if (::sigismember(&waiting, SIGPIPE) == 1)
            return; // somebody else's, who has it blocked
        ::pthread_sigmask(SIG_BLOCK, &only_sigpipe(), &before_);
        active_ = true;
    }
    sigpipe_guard(const sigpipe_guard&)            = delete;
    sigpipe_guard& operator=(const sigpipe_guard&) = delete;
    ~sigpipe_guard() {
        if (!active_)
            return;
        sigset_t waiting;
        ::sigpending(&waiting);
        if (::sigismember(&waiting, SIGPIPE) == 1) {
            int taken = 0;
            ::sigwait(&only_sigpipe(), &taken); // ours, and there already
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

  private:
    static const sigset_t& only_sigpipe() noexcept {
        static const sigset_t set = [] {
            sigset_t made;
            ::sigemptyset(&made);
            ::sigaddset(&made, SIGPIPE);
            return made;
        }();
        return set;
    }

    sigset_t before_{};
    bool active_ = false;
};

} // namespace rocketpush::detail

#endif
