#ifndef ROCKETPUSH_TESTS_FUZZ_SUPPORT_FUZZ_INPUT_HPP
#define ROCKETPUSH_TESTS_FUZZ_SUPPORT_FUZZ_INPUT_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace rocketpush::test {

/// Ends the run with what was promised: libFuzzer then writes the input to a file. On in every build, unlike `assert`.
inline void must(bool condition, const char* promise) {
    if (condition)
        return;
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

/// Whether `part` lies in `whole`. Empty ones lie anywhere.
inline bool lies_in(std::string_view part, std::string_view whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/**
 * @brief Decisions and bytes out of a fuzzer's input, front to back; zeros and empty texts behind its end.
 *
 * Front to back, and in whole bytes, so that make_corpus can write inputs by appending.
 */
class fuzz_input {
  public:
    fuzz_input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

    bool empty() const { return rest_.empty(); }
    std::size_t size() const { return rest_.size(); }

    std::uint8_t byte() {
        if (rest_.empty())
            return 0;
        const auto value = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }
    /// Below `bound`, which is at most 256.
    std::size_t below(std::size_t bound) { return byte() % bound; }
    std::size_t two_bytes() {
        const std::size_t high = byte();
        return high << 8 | byte();
    }

    std::string_view take(std::size_t count) {
        const auto part = rest_.substr(0, count);
        rest_.remove_prefix(part.size());
        return part;
    }
    /// One byte of length, and so many bytes.
    std::string_view short_text() { return take(byte()); }
    /// Two bytes of length, and so many bytes.
    std::string_view long_text() { return take(two_bytes()); }
    std::string_view rest() { return take(rest_.size()); }

  private:
    std::string_view rest_;
};

/// Bytes in memory of their exact size, so that the address sanitizer sees each read beyond them.
class exact_bytes {
  public:
    explicit exact_bytes(std::string_view text) : bytes_(new char[text.size()]), size_(text.size()) {
        std::copy(text.begin(), text.end(), bytes_.get());
    }
    std::string_view view() const { return {bytes_.get(), size_}; }
    operator std::string_view() const { return view(); }

  private:
    std::unique_ptr<char[]> bytes_;
    std::size_t size_;
};

} // namespace rocketpush::test

#endif
