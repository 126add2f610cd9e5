#ifndef ROCKETPUSH_DETAIL_RING_HPP
#define ROCKETPUSH_DETAIL_RING_HPP

#include <rocketpush/detail/assert.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief A queue in one array that grows by doubling. An empty one is three words and owns nothing, where an empty
 *        `std::deque` owns half a KiB: a consumer may have ten thousand of them.
 *
 * @tparam T  Movable and default constructible; a taken place holds what its move left there.
 */
template <class T>
class ring {
  public:
    ring() noexcept = default;
    ring(ring&& other) noexcept { *this = std::move(other); }
    ring& operator=(ring&& other) noexcept {
        places_   = std::move(other.places_);
        capacity_ = std::exchange(other.capacity_, 0);
        first_    = std::exchange(other.first_, 0);
        size_     = std::exchange(other.size_, 0);
        return *this;
    }

    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }

    /// The first is 0.
    T& operator[](std::size_t index) noexcept { return places_[(first_ + index) & (capacity_ - 1)]; }
    const T& operator[](std::size_t index) const noexcept { return places_[(first_ + index) & (capacity_ - 1)]; }
    T& back() noexcept { return (*this)[size_ - 1]; }

    void push_back(T value) {
        if (size_ == capacity_)
            grow();
        (*this)[size_++] = std::move(value);
    }

    T take_front() noexcept {
        ROCKETPUSH_ASSERT(size_ != 0, "callers ask empty() first");
        T taken = std::move((*this)[0]);
        first_  = static_cast<std::uint32_t>((first_ + 1) & (capacity_ - 1));
        --size_;
        return taken;
    }

  private:
    void grow() {
        const std::uint32_t capacity = capacity_ == 0 ? 2 : 2 * capacity_;
        auto places                  = std::make_unique<T[]>(capacity);
        for (std::uint32_t i = 0; i < size_; ++i)
            places[i] = std::move((*this)[i]);
        places_   = std::move(places);
        capacity_ = capacity;
        first_    = 0;
    }

    std::unique_ptr<T[]> places_;
    std::uint32_t capacity_ = 0; ///< A power of two, or 0.
    std::uint32_t first_    = 0;
    std::uint32_t size_     = 0;
};

} // namespace rocketpush::detail

#endif
