#include <rocketpush/consume/orderly.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"

namespace {

using namespace rocketpush;
using batch_of = std::span<const message_view>;

/// Whether the traits of a wrapped listener are these.
template <class W, bool Batch, bool Context, bool Awaitable, bool Silent>
constexpr bool has_shape = listener<W> && orderly_traits<W>::batch == Batch && orderly_traits<W>::context == Context &&
                           orderly_traits<W>::awaitable == Awaitable && orderly_traits<W>::silent == Silent;

template <class Answer, class... Arguments>
using in_order = orderly<Answer (*)(Arguments...)>;
template <class Answer, class... Arguments>
using by_hand = orderly_manual<Answer (*)(Arguments...)>;

static_assert(has_shape<in_order<void, const message_view&>, false, false, false, true>);
static_assert(has_shape<in_order<consume_result, message_view, orderly_context&>, false, true, false, false>);
static_assert(has_shape<in_order<consume_result, batch_of>, true, false, false, false>);
static_assert(has_shape<in_order<void, batch_of, orderly_context&>, true, true, false, true>);
static_assert(has_shape<in_order<asio::awaitable<void>, const message_view&>, false, false, true, true>);
static_assert(has_shape<in_order<asio::awaitable<consume_result>, batch_of, orderly_context&>, true, true, true, false>);
static_assert(has_shape<by_hand<orderly_result, const message_view&>, false, false, false, false>);
static_assert(has_shape<by_hand<orderly_result, batch_of, orderly_context&>, true, true, false, false>);
static_assert(has_shape<by_hand<asio::awaitable<orderly_result>, message_view>, false, false, true, false>);

// A listener that commits itself says so with each call, and only such a one can.
static_assert(!manual_listener<void (*)(const message_view&)>);
static_assert(!manual_listener<consume_result (*)(const message_view&)>);
static_assert(!orderly_listener<orderly_result (*)(const message_view&)>);
// The context of a concurrent listener has a delay level and a count, which mean nothing in order.
static_assert(!orderly_listener<consume_result (*)(const message_view&, consume_context&)>);
static_assert(!listener<consume_result (*)(const message_view&, orderly_context&)>);

TEST_CASE("a wrapped listener is called in its shape", "[orderly]") {
    detail::block_pool pool;
    pulled_batch<false> batch;
    test::fill(batch, pool, {7, 8});
    orderly_context context{test::orders_queue()};

    std::size_t got = 0;
    orderly one{[&](const message_view& m) { got = static_cast<std::size_t>(m.queue_offset()); }};
    orderly_traits<decltype(one)>::call(one, batch.views({1, 1}), context);
    CHECK(got == 8);

    orderly_manual several{[&](batch_of all, orderly_context& told) {
        told.suspend_for = std::chrono::milliseconds(30);
        got              = all.size();
        return orderly_result::rollback;
    }};
    CHECK(orderly_traits<decltype(several)>::call(several, batch.views({0, 2}), context) == orderly_result::rollback);
    CHECK(got == 2);
    CHECK(context.suspend_for == std::chrono::milliseconds(30));
}

TEST_CASE("a wrapper takes a listener that only moves", "[orderly]") {
    orderly wrapped{[owned = std::make_unique<int>(3)](const message_view&) { CHECK(*owned == 3); }};
    auto moved = std::move(wrapped);
    static_assert(listener<decltype(moved)>);
    CHECK(true);
}

} // namespace
