#ifndef ROCKETPUSH_TESTS_SUPPORT_CHILD_PROCESS_HPP
#define ROCKETPUSH_TESTS_SUPPORT_CHILD_PROCESS_HPP

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace rocketpush::test {

/// Begins `work()`, which says whether all was well, in a child of fork(). The child ends with it, and runs nothing else.
template <class Work>
pid_t begin_child(Work work) {
    const auto child = ::fork();
    if (child == 0) {
        ::alarm(60); // nobody hangs for ever
        bool well = false;
        try {
            well = work();
        } catch (...) {
        }
        ::_exit(well ? 0 : 1);
    }
    return child;
}

/// @return Whether all was well in the child.
inline bool end_of(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

template <class Work>
bool in_child(Work work) {
    return end_of(begin_child(work));
}

} // namespace rocketpush::test

#endif
