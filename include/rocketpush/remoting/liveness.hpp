#ifndef ROCKETPUSH_REMOTING_LIVENESS_HPP
#define ROCKETPUSH_REMOTING_LIVENESS_HPP

#include <algorithm>
#include <chrono>

namespace rocketpush {

/**
 * @brief Whether the peer of a connection is still there: any byte is a sign of life, and where somebody waits for an answer and
 *        nothing was read for 10 s, it is asked for one, for which it has 4 s.
 *
 * A broker holds a pull for 15 s, and the pull itself waits for twice that: without the question a connection whose peer went without
 * a word would be found only then. So it is found within 15 s of the last byte; a connection that is read from now and then is
 * never asked, and one that nobody waits on is none of our business.
 *
 * A value without a clock: it is told what happened, and when.
 *
 * @par Source  None in Java, where only the closing of the connection, or 120 s without a read or write, end it.
 */
class liveness {
  public:
    using time_point   = std::chrono::steady_clock::time_point;
    using milliseconds = std::chrono::milliseconds;

    static constexpr milliseconds quiet_limit{10'000};
    static constexpr milliseconds answer_limit{4'000};

    /// Bytes came.
    void heard(time_point now) noexcept { last_heard_ = now; }

    /// Nothing has come since `when`.
    bool silent_since(time_point when) const noexcept { return last_heard_ < when; }

    /**
     * @brief When the peer is to be asked if nothing comes until then.
     * @param waiting_since  When the oldest request left that is not answered: silence before does not count.
     */
    time_point ask_at(time_point waiting_since) const noexcept {
        return std::max(last_heard_, waiting_since) + quiet_limit;
    }

  private:
    time_point last_heard_{};
};

} // namespace rocketpush

#endif
