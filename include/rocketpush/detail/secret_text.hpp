#ifndef ROCKETPUSH_DETAIL_SECRET_TEXT_HPP
#define ROCKETPUSH_DETAIL_SECRET_TEXT_HPP

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace rocketpush::detail {

/// Overwrites memory that nobody will read again: through a volatile pointer, since a compiler may leave other writes out.
inline void wipe(void* memory, std::size_t size) noexcept {
    auto* byte = static_cast<volatile unsigned char*>(memory);
    for (; size != 0; --size)
        *byte++ = 0;
}

/// A text that is wiped when it is replaced or ends, and that nothing prints: no stream, no formatter, no text of an exception.
class secret_text {
  public:
    secret_text() = default;
    explicit secret_text(std::string_view text) : text_(std::make_unique<char[]>(text.size())), size_(text.size()) {
        std::ranges::copy(text, text_.get());
    }
    secret_text(const secret_text& other) : secret_text(other.reveal()) {}
    secret_text(secret_text&& other) noexcept : text_(std::move(other.text_)), size_(std::exchange(other.size_, 0)) {}
    secret_text& operator=(const secret_text& other) {
        auto copy    = other;
        return *this = std::move(copy);
    }
    secret_text& operator=(secret_text&& other) noexcept {
        std::swap(text_, other.text_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~secret_text() { wipe(text_.get(), size_); }

    /// To compute with, not to keep.
    std::string_view reveal() const noexcept { return {text_.get(), size_}; }
    bool empty() const noexcept { return size_ == 0; }

  private:
    std::unique_ptr<char[]> text_;
    std::size_t size_ = 0;
};

} // namespace rocketpush::detail

#endif
