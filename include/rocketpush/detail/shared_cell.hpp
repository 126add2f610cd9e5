#ifndef ROCKETPUSH_DETAIL_SHARED_CELL_HPP
#define ROCKETPUSH_DETAIL_SHARED_CELL_HPP

#include <atomic>
#include <type_traits>
#include <utility>

namespace rocketpush::detail {

/// The part of std::atomic's interface that is used here, on a plain value: for consumers with one thread.
template <class T>
class plain_cell {
  public:
    constexpr plain_cell() noexcept = default;
    constexpr explicit plain_cell(T value) noexcept : value_(value) {}

    T load(std::memory_order = std::memory_order_seq_cst) const noexcept { return value_; }
    void store(T value, std::memory_order = std::memory_order_seq_cst) noexcept { value_ = value; }
    T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept { return std::exchange(value_, value); }
    T fetch_add(T more, std::memory_order = std::memory_order_seq_cst) noexcept {
        return std::exchange(value_, static_cast<T>(value_ + more));
    }
    T fetch_sub(T less, std::memory_order = std::memory_order_seq_cst) noexcept {
        return std::exchange(value_, static_cast<T>(value_ - less));
    }

  private:
    T value_{};
};

/// An atomic where listeners run on other threads, a plain value where everything is on the strand.
template <class T, bool Concurrent>
using shared_cell = std::conditional_t<Concurrent, std::atomic<T>, plain_cell<T>>;

} // namespace rocketpush::detail

#endif
