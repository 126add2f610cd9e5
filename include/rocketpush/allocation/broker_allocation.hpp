#ifndef ROCKETPUSH_ALLOCATION_BROKER_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_BROKER_ALLOCATION_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/allocation/average_allocation.hpp>
#include <rocketpush/allocation/circle_allocation.hpp>

#include <string_view>
#include <utility>

namespace rocketpush {

/**
 * @brief Has a broker share the queues out, and say for each topic whether they are pulled or popped.
 *
 * Which of the two is set at the brokers, by topic and group, and may change at any time (`mqadmin setConsumeMode`). Only with this
 * policy can a consumer pop; a consumer with another one does not compile any of that. Brokers before 5.0 do not know the
 * question: there, and only there, `Fallback` shares out.
 *
 * @code
 * rocketpush::push_consumer consumer{options, on_order, rocketpush::broker_allocation{}};
 * @endcode
 *
 * For concurrent, clustering consumers; an orderly or a broadcasting one does not compile with it. (Java's share out by themselves
 * then, without a word.)
 *
 * @tparam Fallback  Also tells the broker how to share out queues that are pulled. Brokers know `AVG` and `AVG_BY_CIRCLE`; with another
 *                   strategy they are asked for `AVG`.
 * @par Source  Java `DefaultMQPushConsumer.setClientRebalance(false)`.
 */
template <allocation_strategy Fallback = average_allocation>
class broker_allocation {
  public:
    static constexpr bool asked_of_broker = true;

    broker_allocation() = default;
    explicit broker_allocation(Fallback fallback) : fallback_(std::move(fallback)) {}

    std::string_view name() const noexcept { return fallback_.name(); }

    /// The name that brokers are told.
    std::string_view name_at_broker() const noexcept {
        const std::string_view own = name();
        return own == circle_allocation::name() ? own : average_allocation::name();
    }

    /// As `Fallback`.
    allocation allocate(const allocation_request& request) const { return fallback_.allocate(request); }

  private:
    Fallback fallback_;
};

/// Whether the strategy is to ask a broker.
template <class S>
concept asks_broker = allocation_strategy<S> && requires { requires S::asked_of_broker; };

static_assert(asks_broker<broker_allocation<>>);
static_assert(!asks_broker<average_allocation>);

} // namespace rocketpush

#endif
