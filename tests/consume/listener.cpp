#include "tests/support/archetypes/listener.hpp"

#include <rocketpush/consume/listener.hpp>

#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"

namespace {

using namespace rocketpush;
using batch_of = std::span<const message_view>;

/// Whether the traits of a listener are these.
template <class L, bool Batch, bool Context, bool Awaitable, bool Silent>
constexpr bool has_shape = listener_traits<L>::batch == Batch && listener_traits<L>::context == Context &&
                           listener_traits<L>::awaitable == Awaitable && listener_traits<L>::silent == Silent;

// Each shape as a function pointer: messages or a batch, context or not, what it answers.

template <class... Arguments>
using silent_call = void (*)(Arguments...);
template <class... Arguments>
using answering_call = consume_result (*)(Arguments...);
template <class... Arguments>
using awaited_call = asio::awaitable<void> (*)(Arguments...);
template <class... Arguments>
using awaited_answer = asio::awaitable<consume_result> (*)(Arguments...);

static_assert(has_shape<silent_call<const message_view&>, false, false, false, true>);
static_assert(has_shape<silent_call<message_view>, false, false, false, true>);
static_assert(has_shape<answering_call<const message_view&>, false, false, false, false>);
static_assert(has_shape<awaited_call<message_view>, false, false, true, true>);
static_assert(has_shape<awaited_answer<const message_view&>, false, false, true, false>);

static_assert(has_shape<silent_call<const message_view&, consume_context&>, false, true, false, true>);
static_assert(has_shape<silent_call<const message_view&, const consume_context&>, false, true, false, true>);
static_assert(has_shape<answering_call<message_view, consume_context&>, false, true, false, false>);
static_assert(has_shape<awaited_call<const message_view&, consume_context&>, false, true, true, true>);
static_assert(has_shape<awaited_answer<message_view, consume_context&>, false, true, true, false>);

static_assert(has_shape<silent_call<batch_of>, true, false, false, true>);
static_assert(has_shape<answering_call<batch_of>, true, false, false, false>);
static_assert(has_shape<awaited_call<batch_of>, true, false, true, true>);
static_assert(has_shape<awaited_answer<const batch_of&>, true, false, true, false>);

static_assert(has_shape<silent_call<batch_of, consume_context&>, true, true, false, true>);
static_assert(has_shape<answering_call<batch_of, consume_context&>, true, true, false, false>);
static_assert(has_shape<awaited_call<batch_of, consume_context&>, true, true, true, true>);
static_assert(has_shape<awaited_answer<batch_of, consume_context&>, true, true, true, false>);

// An awaitable may have any executor.
using strand_awaitable = asio::awaitable<void, asio::strand<asio::io_context::executor_type>>;
static_assert(has_shape<strand_awaitable (*)(const message_view&), false, false, true, true>);

static_assert(has_shape<test::listener_archetype, false, false, false, true>);

// Near misses.

struct immovable {
    immovable()                 = default;
    immovable(const immovable&) = delete;
    void operator()(const message_view&) {}
};
static_assert(takes_message<immovable>);
static_assert(!listener<immovable>);

struct only_on_rvalues {
    void operator()(const message_view&) && {}
};
static_assert(!takes_message<only_on_rvalues>);
static_assert(!listener<only_on_rvalues>);

static_assert(!listener<bool (*)(const message_view&)>); // an answer that says neither
static_assert(!listener<int (*)(const message_view&)>);
static_assert(!listener<asio::awaitable<bool> (*)(const message_view&)>);
static_assert(!listener<void (*)()>);
static_assert(!listener<void (*)(message_view&)>); // views are not given away to be changed
static_assert(!listener<void (*)(std::string)>);
static_assert(!listener<void (*)(const message&)>); // an owning copy is made by who wants one
static_assert(!listener<void (*)(const message_view&, int)>);
static_assert(!listener<void (*)(consume_context&, const message_view&)>);
static_assert(!listener<void (*)(std::span<message_view>)>);
static_assert(!listener<int>);

/// Calls a listener as the library does, on three messages.
template <class L>
decltype(auto) call(L& listener, consume_context& context, std::size_t count = 3) {
    static detail::block_pool pool;
    static pulled_batch<false> batch;
    batch.clear();
    test::fill(batch, pool, test::offsets(7, static_cast<int>(count)));
    struct release {
        ~release() { batch.clear(); }
    } at_end;
    return listener_traits<L>::call(listener, batch.views(batch.claim(100)), context);
}

TEST_CASE("a listener is called in its shape", "[listener]") {
    consume_context context{test::orders_queue()};
    std::string seen;

    auto message = [&seen](const message_view& one) { seen += one.body(); };
    call(message, context, 1);
    CHECK(seen == "7");

    auto with_context = [&seen](message_view one, consume_context& its) {
        seen += "+" + std::string(one.body()) + its.queue.topic;
        its.delay_level = 3;
        return consume_result::reconsume_later;
    };
    CHECK(call(with_context, context, 1) == consume_result::reconsume_later);
    CHECK(seen == "7+7orders");
    CHECK(context.delay_level == 3);

    auto batch = [](batch_of all) {
        CHECK(all.size() == 3);
        return consume_result::success;
    };
    CHECK(call(batch, context) == consume_result::success);

    auto batch_with_context = [](batch_of all, consume_context& its) { its.succeeded = all.size() - 1; };
    call(batch_with_context, context);
    CHECK(context.succeeded == 2);
}

TEST_CASE("a generic lambda takes one message, and its body is never tried with a batch", "[listener]") {
    consume_context context{test::orders_queue()};
    std::string seen;
    auto generic = [&seen](const auto& one) { seen += one.body(); }; // a span has no body(): that would not compile
    static_assert(listener<decltype(generic)>);
    static_assert(has_shape<decltype(generic), false, false, false, true>);
    call(generic, context, 1);
    CHECK(seen == "7");

    auto generic_with_context = [&seen](auto one, auto& its) {
        seen += one.body();
        its.delay_level = -1;
        return consume_result::reconsume_later;
    };
    static_assert(has_shape<decltype(generic_with_context), false, true, false, false>);
    call(generic_with_context, context, 1);
    CHECK(seen == "77");
    CHECK(context.delay_level == -1);
}

TEST_CASE("a listener may keep state, be movable only, and be an object with several shapes", "[listener]") {
    consume_context context{test::orders_queue()};
    auto counting = [count = std::make_unique<int>(0)](const message_view&) mutable {
        return ++*count > 1 ? consume_result::success : consume_result::reconsume_later;
    };
    static_assert(listener<decltype(counting)>);
    CHECK(call(counting, context, 1) == consume_result::reconsume_later);
    CHECK(call(counting, context, 1) == consume_result::success);

    struct both {
        int messages = 0, batches = 0;
        void operator()(const message_view&) { ++messages; }
        void operator()(batch_of) { ++batches; }
    } several;
    call(several, context, 1);
    CHECK(several.messages == 1); // the message comes first
    CHECK(several.batches == 0);
}

} // namespace
