#ifndef ROCKETPUSH_TESTS_LIFECYCLE_HEAP_HPP
#define ROCKETPUSH_TESTS_LIFECYCLE_HEAP_HPP

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

/**
 * Replaces the global `operator new` of a program by one that knows how many blocks are in use, and that fails when it is told to.
 * Asio's handlers and coroutines take their memory from `aligned_alloc`, which fails likewise. Include it in one file of a program only.
 *
 * The thread sanitizer's own `operator new` stays where it is: then nothing is counted.
 */
namespace rocketpush::test {

#if defined(__SANITIZE_THREAD__)
#define ROCKETPUSH_THREAD_SANITIZER 1
#elif defined(__has_feature)
#define ROCKETPUSH_THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#define ROCKETPUSH_THREAD_SANITIZER 0
#endif
inline constexpr bool blocks_are_counted = !ROCKETPUSH_THREAD_SANITIZER;

/// Blocks of `operator new` that nobody has deleted.
inline std::atomic<std::ptrdiff_t> blocks_in_use{0};

/// How many allocations of this thread are still to succeed before one fails; none fails while it is negative.
inline thread_local std::ptrdiff_t allocations_to_failure = -1;

/// Bytes: smaller ones succeed, and do not count.
inline std::size_t least_that_fails = 0;

/// Where a debugger stops to see what is about to fail.
[[gnu::noinline]] inline bool fail_here() noexcept { return true; }

inline bool allocation_fails(std::size_t size) noexcept {
    return allocations_to_failure >= 0 && size >= least_that_fails && allocations_to_failure-- == 0 && fail_here();
}

} // namespace rocketpush::test

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    if (rocketpush::test::allocation_fails(size))
        return nullptr;
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory)
        ++rocketpush::test::blocks_in_use;
    return memory;
}
void* operator new(std::size_t size) {
    if (void* memory = operator new(size, std::nothrow))
        return memory;
    throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return operator new(size, std::nothrow); }
void operator delete(void* memory) noexcept {
    if (memory)
        --rocketpush::test::blocks_in_use;
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete[](void* memory) noexcept { operator delete(memory); }
void operator delete[](void* memory, std::size_t) noexcept { operator delete(memory); }

extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    void* memory = nullptr;
    if (rocketpush::test::allocation_fails(size))
        return nullptr;
    return ::posix_memalign(&memory, alignment < sizeof(void*) ? sizeof(void*) : alignment, size) == 0 ? memory : nullptr;
}

#endif
