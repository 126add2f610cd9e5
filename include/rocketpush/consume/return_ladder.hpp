#ifndef ROCKETPUSH_CONSUME_RETURN_LADDER_HPP
#define ROCKETPUSH_CONSUME_RETURN_LADDER_HPP

#include <rocketpush/remoting/broker_calls.hpp>

#include <cstdint>

namespace rocketpush {

/// What to do next with a message that failed.
enum class return_step : std::uint8_t {
    ask_broker,   ///< Have the broker that holds it store it again.
    ask_again,    ///< The same once more, after a pause.
    send_copy,    ///< Send a copy to the group's retry topic.
    consume_here, ///< Give it to the listener here once more, after a pause; from there it begins anew.
    done          ///< A broker has it.
};

/**
 * @brief How a failed message gets to where it comes from again: told how each attempt ended, says what comes next.
 *
 * What surely failed goes on to the next step. A request that may have been carried out is only repeated: a copy beside it
 * would make two of the message where its broker had only been slow.
 *
 * @par Source  Java `DefaultMQPushConsumerImpl.sendMessageBack`, `ConsumeMessageConcurrentlyService.submitConsumeRequestLater`.
 *              Differs: Java sends a copy after a time-out as well.
 */
class return_ladder {
  public:
    /// So often the broker is asked in all when its answers stay away.
    static constexpr int most_asked = 4;

    /// @param broker_can  Whether the broker could take it back; not one message out of a batch that is stored as one, nor
    ///                    of a static topic, whose broker is not known.
    constexpr explicit return_ladder(bool broker_can) noexcept
        : step_(broker_can ? return_step::ask_broker : return_step::send_copy) {}

    constexpr return_step step() const noexcept { return step_; }
    /// Nothing is left to do but to wait for what the listener says next time, or nothing at all.
    constexpr bool ended() const noexcept { return step_ == return_step::done || step_ == return_step::consume_here; }

    /// How the attempt of `step()` ended.
    void tell(const store_outcome& outcome) noexcept {
        perhaps_stored_ = perhaps_stored_ || outcome.perhaps_stored;
        if (outcome.stored())
            step_ = return_step::done;
        else if (step_ == return_step::send_copy)
            step_ = return_step::consume_here;
        else if (!perhaps_stored_)
            step_ = return_step::send_copy;
        else
            step_ = ++asked_ < most_asked ? return_step::ask_again : return_step::consume_here;
    }

  private:
    return_step step_;
    int asked_           = 0;
    bool perhaps_stored_ = false;
};

} // namespace rocketpush

#endif
