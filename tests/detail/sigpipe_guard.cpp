#include <rocketpush/detail/sigpipe_guard.hpp>

#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "tests/support/catch.hpp"

namespace {

using rocketpush::detail::sigpipe_guard;

volatile std::sig_atomic_t pipe_signals = 0;

/// Counts SIGPIPE while it lives, and has a pipe that nobody reads.
struct broken_pipe {
    broken_pipe() {
        pipe_signals = 0;
        struct sigaction counting {};
        counting.sa_handler = [](int) { pipe_signals = pipe_signals + 1; };
        ::sigaction(SIGPIPE, &counting, &before_);
        REQUIRE(::pipe(ends_) == 0);
        ::close(ends_[0]);
    }
    ~broken_pipe() {
        ::close(ends_[1]);
        ::sigaction(SIGPIPE, &before_, nullptr);
    }
    bool write() const { return ::write(ends_[1], "x", 1) == 1; }

  private:
    int ends_[2]{};
    struct sigaction before_ {};
};

TEST_CASE("a write to a pipe without a reader raises no SIGPIPE while it is guarded", "[sigpipe_guard]") {
    const broken_pipe nobody;
    {
        const sigpipe_guard guard;
        CHECK_FALSE(nobody.write());
        CHECK(errno == EPIPE);
        CHECK_FALSE(nobody.write());
    }
    CHECK(pipe_signals == 0);
    CHECK_FALSE(nobody.write()); // and it is as it was
    CHECK(pipe_signals == 1);
}

TEST_CASE("a SIGPIPE that somebody else holds back is left to him", "[sigpipe_guard]") {
    const broken_pipe nobody;
    sigset_t pipes, before;
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipes, &before);
    CHECK_FALSE(nobody.write());
    {
        const sigpipe_guard guard;
        CHECK_FALSE(nobody.write());
    }
    CHECK(pipe_signals == 0);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    CHECK(pipe_signals == 1);
}

} // namespace
