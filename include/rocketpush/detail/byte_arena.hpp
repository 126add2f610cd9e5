#ifndef ROCKETPUSH_DETAIL_BYTE_ARENA_HPP
#define ROCKETPUSH_DETAIL_BYTE_ARENA_HPP

#include <rocketpush/detail/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::detail {

/**
 * @brief Bytes that live together and end together: the inflated bodies of one pulled batch.
 *
 * Written in two steps, since the size of an inflated body is known only when it is there: `prepare` gives room,
 * `grow` more of it with the bytes so far, `commit` keeps what was written. Committed bytes never move until
 * `clear`, which keeps chunks for the next batch, so that steady use allocates nothing.
 *
 * @par Thread safety  None.
 */
class byte_arena {
  public:
    static constexpr std::size_t smallest_chunk = 16 * 1024;

    /// @param retained  Bytes of chunks that `clear` keeps at most.
    explicit byte_arena(std::size_t retained = 256 * 1024) noexcept : retain_limit_(retained) {}

    byte_arena(byte_arena&& other) noexcept
        : chunks_(std::exchange(other.chunks_, {})),
          current_(std::exchange(other.current_, 0)),
          used_in_current_(std::exchange(other.used_in_current_, 0)),
          used_(std::exchange(other.used_, 0)),
          held_(std::exchange(other.held_, 0)),
          retain_limit_(other.retain_limit_) {}

    byte_arena& operator=(byte_arena&& other) noexcept {
        byte_arena taken(std::move(other));
        std::swap(chunks_, taken.chunks_);
        std::swap(current_, taken.current_);
        std::swap(used_in_current_, taken.used_in_current_);
        std::swap(used_, taken.used_);
        std::swap(held_, taken.held_);
        std::swap(retain_limit_, taken.retain_limit_);
        return *this;
    }

    /// Room for at least `at_least` bytes in a row, often more. Valid until the next call; holds nothing by itself.
    std::span<char> prepare(std::size_t at_least) {
        while (current_ < chunks_.size()) {
            const chunk& here = chunks_[current_];
            if (here.size - used_in_current_ >= at_least)
                return {here.bytes.get() + used_in_current_, here.size - used_in_current_};
            ++current_;
            used_in_current_ = 0;
        }
        const auto size = std::max(at_least, smallest_chunk);
        chunks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
        held_ += size;
        return {chunks_.back().bytes.get(), size};
    }

    /// More room in place of `room`, which `prepare` or `grow` gave; its first `used` bytes are kept.
    std::span<char> grow(std::span<char> room, std::size_t used, std::size_t at_least) {
        ROCKETPUSH_ASSERT(used <= room.size() && used <= at_least, "an arena grows and keeps what was written");
        const auto larger = prepare(at_least);
        if (used != 0 && larger.data() != room.data())
            std::memcpy(larger.data(), room.data(), used);
        return larger;
    }

    /// Keeps the first `size` bytes of the room that was given last.
    std::string_view commit(std::size_t size) noexcept {
        ROCKETPUSH_ASSERT(current_ < chunks_.size() && size <= chunks_[current_].size - used_in_current_,
                          "an arena commits no more than it prepared");
        const char* first = chunks_[current_].bytes.get() + used_in_current_;
        used_in_current_ += size;
        used_ += size;
        return {first, size};
    }

    /// Ends the life of all committed bytes.
    void clear() noexcept {
        std::erase_if(chunks_, [kept = std::size_t{0}, this](const chunk& each) mutable {
            if (kept + each.size <= retain_limit_) {
                kept += each.size;
                return false;
            }
            held_ -= each.size;
            return true;
        });
        current_ = used_in_current_ = used_ = 0;
    }

    /// Bytes committed since the last `clear`.
    std::size_t used_bytes() const noexcept { return used_; }
    /// Bytes of memory behind it, used or not: the figure that a memory budget counts.
    std::size_t held_bytes() const noexcept { return held_; }

  private:
    struct chunk {
        std::unique_ptr<char[]> bytes;
        std::size_t size;
    };

    std::vector<chunk> chunks_;
    std::size_t current_         = 0;
    std::size_t used_in_current_ = 0;
    std::size_t used_            = 0;
    std::size_t held_            = 0;
    std::size_t retain_limit_;
};

} // namespace rocketpush::detail

#endif
