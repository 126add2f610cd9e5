#ifndef ROCKETPUSH_DETAIL_BLOCK_POOL_HPP
#define ROCKETPUSH_DETAIL_BLOCK_POOL_HPP

#include <rocketpush/detail/assert.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace rocketpush::detail {

class block_pool;

/// Header of one block; its bytes follow it in memory.
struct block {
    block_pool* pool;
    block* next_free;
    std::size_t capacity;
    std::uint32_t references;

    char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
};

/**
 * @brief Shares one pooled block of bytes: the frame that messages are views into.
 * @par Thread safety  None: blocks are shared and released on the strand only, so the count is a plain integer.
 */
class block_ref {
  public:
    block_ref() noexcept = default;
    explicit block_ref(block* owned) noexcept : block_(owned) {}
    block_ref(const block_ref& other) noexcept : block_(other.block_) {
        if (block_)
            ++block_->references;
    }
    block_ref(block_ref&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    // No assignment by value: clang 16 forgets to destroy the parameter of `ref = {}` inside of a template.
    block_ref& operator=(const block_ref& other) noexcept { return *this = block_ref(other); }
    block_ref& operator=(block_ref&& other) noexcept {
        block_ref taken(std::move(other));
        std::swap(block_, taken.block_);
        return *this;
    }
    inline ~block_ref();

    explicit operator bool() const noexcept { return block_ != nullptr; }
    char* data() const noexcept { return block_->data(); }
    std::size_t capacity() const noexcept { return block_->capacity; }
    bool shared() const noexcept { return block_->references > 1; }

  private:
    block* block_ = nullptr;
};

/**
 * @brief Blocks of 4 KiB to 32 MiB in powers of two, kept for reuse, so that reading frames allocates nothing in
 *        steady state.
 *
 * `live_bytes()` is what the blocks in use really hold: the figure that flow control bounds. Must outlive its blocks.
 *
 * @par Thread safety  None; used on one strand.
 */
class block_pool {
  public:
    static constexpr std::size_t smallest = 4 * 1024;
    static constexpr std::size_t largest  = smallest << 13;

    /// @param retained  Bytes of unused blocks that are kept; what comes back beyond them is freed.
    explicit block_pool(std::size_t retained = 4 * 1024 * 1024) noexcept : retain_limit_(retained) {}
    block_pool(const block_pool&)            = delete;
    block_pool& operator=(const block_pool&) = delete;

    ~block_pool() {
        ROCKETPUSH_ASSERT(live_ == 0, "a block pool outlives its blocks");
        for (block*& head : free_)
            while (head)
                ::operator delete(std::exchange(head, head->next_free));
    }

    /// @param at_least  Bytes wanted, up to `largest`.
    block_ref take(std::size_t at_least) {
        const auto capacity = std::bit_ceil(at_least < smallest ? smallest : at_least);
        ROCKETPUSH_ASSERT(capacity <= largest, "frame limits keep blocks below the largest class");
        block*& head = free_[class_of(capacity)];
        block* taken = head;
        if (taken) {
            head = taken->next_free;
            retained_ -= capacity;
        } else {
            taken = ::new (::operator new(sizeof(block) + capacity)) block{this, nullptr, capacity, 0};
        }
        taken->references = 1;
        live_ += capacity;
        return block_ref(taken);
    }

    /// Bytes in blocks that somebody holds.
    std::size_t live_bytes() const noexcept { return live_; }
    std::size_t retained_bytes() const noexcept { return retained_; }

  private:
    friend class block_ref;

    static std::size_t class_of(std::size_t capacity) noexcept {
        return static_cast<std::size_t>(std::countr_zero(capacity / smallest));
    }

    void give_back(block* returned) noexcept {
        live_ -= returned->capacity;
        if (retained_ + returned->capacity > retain_limit_) {
            ::operator delete(returned);
            return;
        }
        retained_ += returned->capacity;
        block*& head        = free_[class_of(returned->capacity)];
        returned->next_free = head;
        head                = returned;
    }

    std::array<block*, 14> free_{};
    std::size_t retain_limit_;
    std::size_t retained_ = 0;
    std::size_t live_     = 0;
};

inline block_ref::~block_ref() {
    if (block_ && --block_->references == 0)
        block_->pool->give_back(block_);
}

} // namespace rocketpush::detail

#endif
