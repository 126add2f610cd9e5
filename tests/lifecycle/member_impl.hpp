#ifndef ROCKETPUSH_TESTS_LIFECYCLE_MEMBER_IMPL_HPP
#define ROCKETPUSH_TESTS_LIFECYCLE_MEMBER_IMPL_HPP

#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/push_consumer.hpp>

#include <utility>

#include "tests/lifecycle/member.hpp"

/// For the sources that compile a kind of member.
namespace rocketpush::lifecycle {

struct telling_observer : no_observer {
    explicit telling_observer(ledger& into) : messages(&into) {}
    ledger* messages;
    void on_send_back(const message_view& message, std::error_code failure) {
        if (!failure)
            messages->sent_back(ledger::number_of(message));
    }
};

inline consume_result finish(const surroundings& in, ledger::number which) {
    if (in.failing && (*in.chance)() % 50 == 0)
        return consume_result::reconsume_later;
    in.messages->succeeded(which);
    return consume_result::success;
}

struct prompt_listener {
    surroundings in;

    consume_result operator()(const message_view& message) const {
        const auto which = ledger::number_of(message);
        in.messages->begun(which);
        return finish(in, which);
    }
};

using slow_result = asio::awaitable<consume_result, manual_runtime::executor_type>;

struct slow_listener {
    surroundings in;

    slow_result operator()(const message_view& message) const {
        return call(in, ledger::number_of(message)); // of this, nothing: the member may go while it waits
    }

  private:
    static slow_result call(surroundings in, ledger::number which) {
        in.messages->begun(which);
        manual_runtime::timer pause(in.runtime);
        pause.expires_at(in.runtime.now() + std::chrono::milliseconds((*in.chance)() % 50));
        co_await pause.async_wait(detail::await_tuple<manual_runtime::executor_type>);
        co_return finish(in, which);
    }
};

template <class Listener, class... Policies>
class member_of final : public member {
  public:
    member_of(const std::shared_ptr<memory_network>& network, const options& with, Listener listener, const surroundings& in,
              Policies... policies)
        : consumer_(with, std::move(listener), memory_transport(network), inline_executor(), telling_observer(*in.messages), in.runtime,
                    std::move(policies)...) {
        consumer_.subscribe("orders");
    }

    void start(std::function<void(std::error_code)> done) override { consumer_.async_start(std::move(done)); }
    void stop(std::chrono::milliseconds limit, std::function<void(std::error_code)> done) override {
        consumer_.async_stop(limit, std::move(done));
    }

  private:
    consumer_of<Listener, memory_transport, inline_executor, telling_observer, manual_runtime, Policies...> consumer_;
};

template <class Listener, class... Policies>
std::unique_ptr<member> make(const std::shared_ptr<memory_network>& network, const options& with, Listener listener,
                             const surroundings& in, Policies... policies) {
    return std::make_unique<member_of<Listener, Policies...>>(network, with, std::move(listener), in, std::move(policies)...);
}

} // namespace rocketpush::lifecycle

#endif
