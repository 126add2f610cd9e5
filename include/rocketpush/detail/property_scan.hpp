#ifndef ROCKETPUSH_DETAIL_PROPERTY_SCAN_HPP
#define ROCKETPUSH_DETAIL_PROPERTY_SCAN_HPP

#include <bit>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rocketpush {

/// One property of a message; both parts are never empty.
struct message_property {
    std::string_view name;
    std::string_view value;

    friend bool operator==(const message_property&, const message_property&) = default;
};

} // namespace rocketpush

namespace rocketpush::detail {

inline constexpr char property_name_end  = '\x01';
inline constexpr char property_value_end = '\x02';

/**
 * @brief Looks at each place where a property called `name` may begin, from the last to the first.
 *
 * A place is a candidate when its first byte fits and a name's end stands where the name would end; that is tested
 * for 16 places at once where the machine can. `accept(place)` decides, and ends the search when it says true.
 */
template <class Accept>
bool search_property(std::string_view raw, std::string_view name, Accept accept) noexcept {
    if (name.empty() || raw.size() <= name.size())
        return false;
    std::size_t left = raw.size() - name.size(); // places 0 .. left-1 are still to be looked at
#if defined(__SSE2__)
    const __m128i first = _mm_set1_epi8(name.front());
    const __m128i end   = _mm_set1_epi8(property_name_end);
    while (left >= 16) {
        const char* at  = raw.data() + left - 16;
        const auto load = [](const char* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); };
        const __m128i both =
            _mm_and_si128(_mm_cmpeq_epi8(load(at), first), _mm_cmpeq_epi8(load(at + name.size()), end));
        auto hits = static_cast<unsigned>(_mm_movemask_epi8(both));
        while (hits != 0) {
            const auto highest = static_cast<unsigned>(std::bit_width(hits)) - 1;
            if (accept(left - 16 + highest))
                return true;
            hits &= ~(1u << highest);
        }
        left -= 16;
    }
#endif
    while (left > 0) {
        --left;
        if (raw[left] == name.front() && raw[left + name.size()] == property_name_end && accept(left))
            return true;
    }
    return false;
}

/**
 * @brief Finds one property in the stored form `name 0x01 value 0x02 ...` without parsing the others.
 *
 * An empty value is as good as none. Of two with one name the later counts: both as in Java
 * `MessageDecoder.string2messageProperties`.
 *
 * @param raw   The properties; the last 0x02 may be missing (4.9.x leaves it out).
 * @param name  Holds neither 0x01 nor 0x02.
 */
inline std::optional<std::string_view> find_property(std::string_view raw, std::string_view name) noexcept {
    std::optional<std::string_view> found;
    search_property(raw, name, [&](std::size_t place) noexcept {
        if (place != 0 && raw[place - 1] != property_value_end)
            return false;
        if (std::memcmp(raw.data() + place, name.data(), name.size()) != 0)
            return false;
        const auto rest  = raw.substr(place + name.size() + 1);
        const auto value = rest.substr(0, rest.find(property_value_end));
        if (value.empty())
            return false;
        found = value;
        return true;
    });
    return found;
}

/// The properties of one message in stored order; entries without a name or a value are passed over.
class property_range {
  public:
    class iterator {
      public:
        using value_type        = message_property;
        using difference_type   = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
        using iterator_concept  = std::forward_iterator_tag;
        using reference         = message_property;
        using pointer           = const message_property*;

        iterator() = default;
        explicit iterator(std::string_view raw) noexcept : rest_(raw) { ++*this; }

        reference operator*() const noexcept { return here_; }
        pointer operator->() const noexcept { return &here_; }

        iterator& operator++() noexcept {
            while (!rest_.empty()) {
                const auto entry = rest_.substr(0, rest_.find(property_value_end));
                rest_.remove_prefix(entry.size() < rest_.size() ? entry.size() + 1 : entry.size());
                const auto split = entry.find(property_name_end);
                if (split == entry.npos || split == 0 || split + 1 == entry.size())
                    continue;
                here_ = {entry.substr(0, split), entry.substr(split + 1)};
                return *this;
            }
            here_ = {};
            return *this;
        }
        iterator operator++(int) noexcept {
            auto before = *this;
            ++*this;
            return before;
        }

        friend bool operator==(const iterator& a, const iterator& b) noexcept {
            return a.here_.name.data() == b.here_.name.data();
        }
        friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept { return at.here_.name.empty(); }

      private:
        std::string_view rest_;
        message_property here_;
    };

    property_range() = default;
    explicit property_range(std::string_view raw) noexcept : raw_(raw) {}

    iterator begin() const noexcept { return iterator(raw_); }
    std::default_sentinel_t end() const noexcept { return {}; }

  private:
    std::string_view raw_;
};

} // namespace rocketpush::detail

#endif
