#ifndef ROCKETPUSH_TESTS_SUPPORT_ALLOCATION_COUNT_HPP
#define ROCKETPUSH_TESTS_SUPPORT_ALLOCATION_COUNT_HPP

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

/**
 * Replaces the global `operator new` of a test program by one that counts. Include it in one file of a program only.
 */
namespace rocketpush::test {

inline std::atomic<std::size_t> allocation_count{0};

/// A thread that a test does not look at sets it to false.
inline thread_local bool allocations_counted_here = true;

/// How often `operator new` ran since this was made, on any thread that counts.
class allocation_counter {
  public:
    std::size_t count() const noexcept { return allocation_count - at_start_; }

  private:
    std::size_t at_start_ = allocation_count;
};

} // namespace rocketpush::test

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    if (rocketpush::test::allocations_counted_here)
        ++rocketpush::test::allocation_count;
    return std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
    if (void* memory = operator new(size, std::nothrow))
        return memory;
    throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return operator new(size, std::nothrow); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

#endif
