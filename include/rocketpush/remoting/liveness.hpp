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
 * Bytes alone are not a word: where a length was announced that does not come, all later answers are taken for parts of that frame.
 * A frame that began before anybody who still waits had asked answers none of them, however it ends.
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

    /// Bytes came. @param inside_frame  Whether the first of them goes on with a frame.
    void heard(time_point now, bool inside_frame = false) noexcept {
        last_heard_ = now;
        if (!inside_frame)
            frame_began_ = now;
    }
    /// A frame is whole: the next begins with what came last, or comes later.
    void frame_ended() noexcept { frame_began_ = last_heard_; }

    /// Nothing has come since `when`.
    bool silent_since(time_point when) const noexcept { return last_heard_ < when; }

    /**
     * @brief Whether a frame of which a part came answers nobody.
     * @param waiting_since  When the oldest request left that is not answered; `time_point::max()` where nobody waits.
     */
    bool frame_is_stale(time_point waiting_since) const noexcept { return frame_began_ < waiting_since; }

    /**
     * @brief When the peer is to be asked if nothing comes until then.
     * @param waiting_since  When the oldest request left that is not answered: silence before does not count.
     */
    time_point ask_at(time_point waiting_since) const noexcept {
        return std::max(last_heard_, waiting_since) + quiet_limit;
    }

  private:
    time_point last_heard_{};
    time_point frame_began_{};
};

} // namespace rocketpush

#endif
