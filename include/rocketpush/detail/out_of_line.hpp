#ifndef ROCKETPUSH_DETAIL_OUT_OF_LINE_HPP
#define ROCKETPUSH_DETAIL_OUT_OF_LINE_HPP

#include <utility>

namespace rocketpush::detail {

/**
 * @brief Calls `work`, not inlined where that matters: for what a coroutine that may go on in another thread does in a loop.
 *
 * clang before 17 moves the address of a thread-local variable out of a loop, also over a suspension in it; the coroutine then uses
 * what belongs to the thread that it was in before (LLVM issues 47179 and 63022). Asio has such variables for every frame and handler.
 */
template <class Work>
#if defined(__clang__) && __clang_major__ < 17
[[gnu::noinline]]
#endif
decltype(auto)
out_of_line(Work&& work) {
    return std::forward<Work>(work)();
}

} // namespace rocketpush::detail

#endif
