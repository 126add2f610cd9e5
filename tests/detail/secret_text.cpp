#include <rocketpush/detail/secret_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <iosfwd>
#include <new>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "tests/support/catch.hpp"

// The thread sanitizer has these operators for itself, so what is in freed memory is not looked at there.
#if defined(__SANITIZE_THREAD__)
#define ROCKETPUSH_TEST_SEES_FREED_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ROCKETPUSH_TEST_SEES_FREED_MEMORY 0
#endif
#endif
#ifndef ROCKETPUSH_TEST_SEES_FREED_MEMORY
#define ROCKETPUSH_TEST_SEES_FREED_MEMORY 1
#endif

#if ROCKETPUSH_TEST_SEES_FREED_MEMORY

namespace {

/// The memory that a test waits for to be given back, and what was in its first bytes then.
const void* awaited = nullptr;
std::string left_in_it;

} // namespace

void* operator new[](std::size_t size) {
    if (void* memory = std::malloc(size == 0 ? 1 : size))
        return memory;
    throw std::bad_alloc();
}
void operator delete[](void* memory) noexcept {
    if (memory && memory == awaited) {
        awaited = nullptr;
        left_in_it.assign(static_cast<const char*>(memory), left_in_it.size());
    }
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept { operator delete[](memory); }

#endif

namespace {

using rocketpush::detail::secret_text;
using rocketpush::detail::wipe;

template <class T>
concept streamed = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!streamed<secret_text>);
static_assert(!fmt::is_formattable<secret_text>::value);
static_assert(!std::convertible_to<secret_text, std::string_view>);
static_assert(!std::convertible_to<secret_text, std::string>);
static_assert(std::is_nothrow_move_constructible_v<secret_text> && std::is_nothrow_move_assignable_v<secret_text>);

TEST_CASE("a secret text gives its characters to who asks for them", "[detail]") {
    const secret_text secret("open sesame");
    CHECK(secret.reveal() == "open sesame");
    CHECK(!secret.empty());
    CHECK(secret_text().empty());
    CHECK(secret_text("").reveal().empty());
}

TEST_CASE("secret texts are copied and moved", "[detail]") {
    secret_text one("open sesame");
    secret_text copy(one);
    CHECK(copy.reveal() == "open sesame");
    CHECK(copy.reveal().data() != one.reveal().data());
    secret_text moved(std::move(one));
    CHECK(moved.reveal() == "open sesame");
    copy = secret_text("other");
    CHECK(copy.reveal() == "other");
    copy = moved;
    CHECK(copy.reveal() == "open sesame");
    const auto& same = copy;
    copy             = same;
    CHECK(copy.reveal() == "open sesame");
}

#if ROCKETPUSH_TEST_SEES_FREED_MEMORY
TEST_CASE("a secret's memory is wiped before it is given back", "[detail]") {
    const auto is_wiped_by = [](auto change) {
        secret_text secret("open sesame");
        left_in_it.assign(secret.reveal().size(), '?');
        awaited = secret.reveal().data();
        change(secret);
        return !awaited && std::ranges::all_of(left_in_it, [](char c) { return c == 0; });
    };
    CHECK(is_wiped_by([](secret_text& secret) { secret = secret_text("other"); }));
    CHECK(is_wiped_by([](secret_text& secret) { const auto last = std::move(secret); }));
}
#endif

TEST_CASE("what is wiped is zeros", "[detail]") {
    std::array<char, 8> memory;
    memory.fill('s');
    wipe(memory.data(), memory.size() - 1);
    CHECK(std::all_of(memory.begin(), memory.end() - 1, [](char c) { return c == 0; }));
    CHECK(memory.back() == 's');
}

} // namespace
