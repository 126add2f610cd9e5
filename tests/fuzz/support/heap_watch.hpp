#ifndef ROCKETPUSH_TESTS_FUZZ_SUPPORT_HEAP_WATCH_HPP
#define ROCKETPUSH_TESTS_FUZZ_SUPPORT_HEAP_WATCH_HPP

#include <sanitizer/allocator_interface.h>

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace rocketpush::test {

/**
 * @brief How many bytes of the heap were held at most since it was made, beyond those that were held then.
 *
 * Counts by the address sanitizer's hooks, which see every library's `malloc` too: what zstd or lz4 takes counts.
 * One at a time.
 */
class heap_watch {
  public:
    heap_watch() {
        install();
        held_at_begin_ = counters().held;
        counters().most = counters().held.load();
    }

    std::size_t most() const {
        const auto top = counters().most.load();
        return top > held_at_begin_ ? static_cast<std::size_t>(top - held_at_begin_) : 0;
    }

  private:
    struct counts {
        std::atomic<std::ptrdiff_t> held{0}, most{0};
    };
    static counts& counters() {
        static counts all;
        return all;
    }

    static void install() {
        static const int installed = __sanitizer_install_malloc_and_free_hooks(
            [](const volatile void*, std::size_t size) {
                auto& all      = counters();
                const auto now = all.held += static_cast<std::ptrdiff_t>(size);
                if (now > all.most) // the fuzzer's other thread allocates next to nothing
                    all.most = now;
            },
            [](const volatile void* freed) {
                if (freed)
                    counters().held -= static_cast<std::ptrdiff_t>(
                        __sanitizer_get_allocated_size(const_cast<const void*>(freed)));
            });
        static_cast<void>(installed);
    }

    std::ptrdiff_t held_at_begin_ = 0;
};

} // namespace rocketpush::test

#endif
