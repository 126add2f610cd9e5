#ifndef ROCKETPUSH_CONSUME_DIRECT_CALL_HPP
#define ROCKETPUSH_CONSUME_DIRECT_CALL_HPP

#include <rocketpush/consume/deferred_message.hpp>
#include <rocketpush/consume/orderly.hpp>
#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/protocol/bodies_direct_result.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace rocketpush {

constexpr protocol::direct_verdict verdict_of(consume_result result) noexcept {
    return result == consume_result::success ? protocol::direct_verdict::success : protocol::direct_verdict::later;
}
constexpr protocol::direct_verdict verdict_of(orderly_result result) noexcept {
    switch (result) {
    case orderly_result::success: return protocol::direct_verdict::success;
    case orderly_result::commit: return protocol::direct_verdict::commit;
    case orderly_result::rollback: return protocol::direct_verdict::rollback;
    case orderly_result::suspend: break;
    }
    return protocol::direct_verdict::later;
}

/**
 * @brief One listener call for a message that an administrator has consumed by this member, outside of queues, locks, offsets,
 *        statistics and events: nothing of it is settled. It runs where all listener calls do; `Done` hears of its end on the
 *        strand, or never if the consumer stops before.
 *
 * @tparam Consumption  Whose listener, executor, runtime and gate it uses.
 * @tparam Done         Movable; called with a `protocol::direct_result`.
 * @par Source  Java `ConsumeMessageService.consumeMessageDirectly`. Differs: the executor's threads run it, not those of requests.
 */
template <class Consumption, class Done>
class direct_call : public std::enable_shared_from_this<direct_call<Consumption, Done>> {
    using traits       = typename Consumption::traits;
    using owner_type   = typename Consumption::owner_type;
    using context_type = std::conditional_t<Consumption::in_order, orderly_context, consume_context>;
    using verdict_type = protocol::direct_verdict;
    using shared       = std::shared_ptr<direct_call>;

  public:
    static void begin(Consumption& in, message one, owner_type owner, Done done) {
        const shared call(new direct_call(in, std::move(one), std::move(owner), std::move(done)));
        if constexpr (!traits::awaitable)
            in.executor_.execute(job{call});
        else if constexpr (requires { in.executor_.get_executor(); })
            asio::co_spawn(in.executor_.get_executor(), await(call), asio::detached);
        else
            asio::co_spawn(in.runtime_.get_executor(), await(call), asio::detached);
    }

  private:
    /// What the executor gets. One copy runs.
    struct job {
        shared call;

        void operator()() const {
            if (!call->begun_.exchange(true))
                call->run();
        }
        bool wants_help() const noexcept { return false; }
        bool wants_thread() const noexcept { return true; } // it stands beside all others, also those that block
    };

    direct_call(Consumption& in, message one, owner_type owner, Done done)
        : in_(in), one_(std::move(one)), view_(one_.view()), owner_(std::move(owner)), done_(std::move(done)) {}

    static constexpr bool commits_itself() noexcept {
        if constexpr (Consumption::in_order)
            return traits::manual;
        else
            return false;
    }
    static constexpr bool is_deferred() noexcept {
        if constexpr (requires { traits::deferred; })
            return traits::deferred;
        else
            return false;
    }

    void run() {
        const auto outer = std::exchange(Consumption::running_here_, &in_);
        since_           = in_.runtime_.now();
        if constexpr (is_deferred())
            hand_out();
        else
            call_listener();
        Consumption::running_here_ = outer;
    }

    void call_listener() {
        if constexpr (!traits::awaitable && !is_deferred()) {
            context_type context{view_.queue()};
            try {
                if constexpr (traits::silent) {
                    traits::call(in_.listener_, std::span(&view_, 1), context);
                    finish(silent_verdict());
                } else {
                    finish(verdict_in(context, traits::call(in_.listener_, std::span(&view_, 1), context)));
                }
            } catch (...) {
                fail(std::current_exception());
            }
        }
    }

    /// The listener answers later; a message that it lets go of without an answer is to come later.
    void hand_out() {
        if constexpr (is_deferred()) {
            constexpr auto answered = [](detail::deferred_share& share, consume_result result, int) {
                const auto self = std::static_pointer_cast<direct_call>(std::move(share.owner));
                self->finish(verdict_of(result));
            };
            try {
                in_.listener_(
                    deferred_message(view_, {answered, nullptr, nullptr, this->shared_from_this(), 0, since_}));
            } catch (...) {
                fail(std::current_exception());
            }
        }
    }

    static auto awaited_type() {
        if constexpr (traits::awaitable)
            return std::type_identity<
                asio::awaitable<void, typename detail::awaited<typename traits::answer>::executor>>();
        else
            return std::type_identity<void>();
    }
    using awaitable_type = typename decltype(awaited_type())::type;

    template <class Result = awaitable_type>
    static Result await(shared call) {
        call->since_ = call->in_.runtime_.now();
        context_type context{call->view_.queue()};
        const std::span<const message_view> messages(&call->view_, 1);
        std::exception_ptr thrown;
        auto verdict = silent_verdict();
        try {
            if constexpr (traits::silent) {
                co_await traits::call(call->in_.listener_, messages, context);
            } else {
                const auto answer = co_await traits::call(call->in_.listener_, messages, context);
                verdict           = verdict_in(context, answer);
            }
        } catch (...) {
            thrown = std::current_exception();
        }
        if (thrown)
            call->fail(thrown);
        else
            call->finish(verdict);
    }

    static constexpr verdict_type silent_verdict() noexcept { return verdict_type::success; }

    /// A batch listener may say that of its messages none succeeded.
    template <class Answer>
    static verdict_type verdict_in([[maybe_unused]] const context_type& context, Answer answer) noexcept {
        if constexpr (!Consumption::in_order)
            if (context.succeeded == 0)
                return verdict_type::later;
        return verdict_of(answer);
    }

    void fail(const std::exception_ptr& thrown) {
        std::string text = "the listener threw what is no std::exception";
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& caught) {
            text = caught.what();
        } catch (...) {
        }
        finish(verdict_type::threw, std::move(text));
    }

    /// The first one counts: a listener may throw after it has answered for a deferred message.
    void finish(verdict_type verdict, std::string remark = {}) {
        if (finished_.exchange(true))
            return;
        protocol::direct_result result;
        result.in_order    = Consumption::in_order;
        result.auto_commit = !commits_itself();
        result.verdict     = verdict;
        result.remark      = std::move(remark);
        result.spent       = std::chrono::duration_cast<std::chrono::milliseconds>(in_.runtime_.now() - since_);
        if constexpr (Consumption::immediate)
            done_(std::move(result));
        else
            in_.gate_.post([self = this->shared_from_this(), result = std::move(result)]() mutable {
                self->done_(std::move(result));
            });
    }

    Consumption& in_;
    message one_;
    message_view view_;
    owner_type owner_; ///< Keeps the consumption.
    Done done_;
    std::chrono::steady_clock::time_point since_{};
    std::atomic<bool> begun_{false};
    std::atomic<bool> finished_{false};
};

} // namespace rocketpush

#endif
