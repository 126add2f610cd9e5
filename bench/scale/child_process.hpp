#ifndef BENCH_SCALE_CHILD_PROCESS_HPP
#define BENCH_SCALE_CHILD_PROCESS_HPP

#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <system_error>
#include <type_traits>

namespace bench {

/**
 * @brief A part of this program in a process of its own, so that its memory and CPU time are its own.
 *
 * Make it before the first thread: a fork takes only the one along that calls it.
 */
class child_process {
  public:
    /// @param body  Called in the child with the file descriptor to `tell` on; the child ends when it returns.
    template <class Body>
    explicit child_process(Body body) {
        int ends[2];
        if (::pipe(ends) != 0)
            throw std::system_error(errno, std::generic_category(), "pipe");
        const auto parent = ::getpid();
        id_               = ::fork();
        if (id_ == -1)
            throw std::system_error(errno, std::generic_category(), "fork");
        if (id_ == 0) {
            ::close(ends[0]);
            ::prctl(PR_SET_PDEATHSIG, SIGKILL); // whoever ends us ends what we started
            if (::getppid() == parent)
                run(body, ends[1]);
            ::_exit(1);
        }
        ::close(ends[1]);
        from_ = ends[0];
    }
    child_process(const child_process&)            = delete;
    child_process& operator=(const child_process&) = delete;

    ~child_process() {
        ::close(from_);
        ::kill(id_, SIGKILL);
        ::waitpid(id_, nullptr, 0);
    }

    /// Waits for what the child tells; empty when it ended without.
    template <class Value>
    std::optional<Value> hear() {
        static_assert(std::is_trivially_copyable_v<Value>);
        Value heard{};
        auto* at = reinterpret_cast<char*>(&heard);
        for (std::size_t got = 0; got < sizeof heard;) {
            const auto more = ::read(from_, at + got, sizeof heard - got);
            if (more == -1 && errno == EINTR)
                continue;
            if (more <= 0)
                return std::nullopt;
            got += static_cast<std::size_t>(more);
        }
        return heard;
    }

    template <class Value>
    static void tell(int to, const Value& value) {
        static_assert(std::is_trivially_copyable_v<Value> && sizeof value <= 4096, "a pipe takes it at once");
        if (::write(to, &value, sizeof value) != static_cast<ssize_t>(sizeof value))
            throw std::system_error(errno, std::generic_category(), "write to the parent");
    }

  private:
    template <class Body>
    static void run(Body& body, int to) {
        try {
            body(to);
            ::_exit(0);
        } catch (const std::exception& problem) {
            std::fprintf(stderr, "scale: %s\n", problem.what());
        }
    }

    pid_t id_ = -1;
    int from_ = -1;
};

} // namespace bench

#endif
