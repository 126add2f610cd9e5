#ifndef ROCKETPUSH_OBSERVE_CONSUMPTION_HISTORY_HPP
#define ROCKETPUSH_OBSERVE_CONSUMPTION_HISTORY_HPP

#include <rocketpush/observe/rate_window.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <string>

namespace rocketpush {

/**
 * @brief What a consumer did within the last minute, hour and day, in all and of each topic.
 *
 * Its figures are sums that are kept anyway, so a message costs nothing for it: the strand looks at them every 10 s. A topic takes
 * some 2.5 KiB from the first pull on that found messages; a queue nothing.
 *
 * @par Thread safety  None; on the strand.
 * @par Source  Java `ConsumerStatsManager`, `StatsItemSet`: the same samples. Differs: all of a topic's begin when it is pulled first,
 *              so a rate is that of the time since then, while Java's hour is ten minutes long at least.
 */
class consumption_history {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /// How often `sample` is to be called.
    static constexpr std::chrono::seconds interval{10};

    /**
     * @param now      Not before that of the last call. With the first one, nothing has been done yet.
     * @param tell_of  Is called with a function; calls that with the topic and `work_counts` of each queue, in whatever order.
     */
    template <class TellOf>
    void sample(time_point now, TellOf&& tell_of) {
        if (last_ == time_point())
            last_ = hour_due_ = day_due_ = now;
        total_ = {};
        for (auto& [name, topic] : topics_)
            topic.sums = {};
        auto at = topics_.end();
        tell_of([&](const std::string& name, const work_counts& counts) {
            const rate_sums sums(counts);
            total_ += sums;
            if (sums.pulls == 0)
                return;
            if (at == topics_.end() || at->first != name)
                at = topics_.find(name);
            if (at == topics_.end())
                at = topics_.emplace(name, windows(last_)).first;
            at->second.sums += sums;
        });
        minute_.sample(now, total_);
        const bool hour_due = now >= hour_due_;
        const bool day_due  = now >= day_due_;
        for (auto& [name, topic] : topics_) {
            topic.minute.sample(now, topic.sums);
            if (hour_due)
                topic.hour.sample(now, topic.sums);
            if (day_due)
                topic.day.sample(now, topic.sums);
        }
        if (hour_due)
            hour_due_ = now + std::chrono::minutes(10);
        if (day_due)
            day_due_ = now + std::chrono::hours(1);
        last_ = now;
    }

    /// Of the whole consumer. @param counts  Of now.
    window_statistics minute(time_point now, const work_counts& counts) const noexcept {
        return minute_.up_to(now, rate_sums(counts));
    }

    /// Fills in the windows of one topic. @param of  Its name and its counts of now are there.
    void add_windows(time_point now, topic_statistics& of) const {
        const rate_sums sums(of.counts);
        const auto found = topics_.find(of.topic);
        if (found != topics_.end()) {
            of.minute = found->second.minute.up_to(now, sums);
            of.hour   = found->second.hour.up_to(now, sums);
            of.day    = found->second.day.up_to(now, sums);
        } else if (last_ != time_point()) { // it is younger than the last sample
            rate_window<1> young;
            young.sample(last_, {});
            of.minute = of.hour = of.day = young.up_to(now, sums);
        }
    }

  private:
    struct windows {
        /// @param before  When nothing had been done yet.
        explicit windows(time_point before) {
            minute.sample(before, {});
            hour.sample(before, {});
            day.sample(before, {});
        }

        rate_sums sums; ///< As of the sample that is being taken, or was last.
        rate_window<7> minute;
        rate_window<7> hour;
        rate_window<25> day;
    };

    std::map<std::string, windows, std::less<>> topics_;
    rate_sums total_;
    rate_window<7> minute_;
    time_point last_{}, hour_due_{}, day_due_{};
};

/**
 * @brief What was done in queues that are not here any more, by their topic.
 * @par Thread safety  None; on the strand.
 */
class past_counts {
  public:
    /// Beyond this many topics, further ones count in the sum only. Nobody's program has so many, but one that goes on for years
    /// may make up names.
    static constexpr std::size_t most_topics = 4096;

    void add(const std::string& topic, const work_counts& counts) {
        const auto known = topics_.find(topic);
        if (known != topics_.end())
            known->second += counts;
        else
            topics_[topics_.size() < most_topics ? topic : std::string()] += counts;
    }
    /// In order; those of no name are all further topics'.
    const auto& by_topic() const noexcept { return topics_; }

  private:
    std::map<std::string, work_counts, std::less<>> topics_;
};

} // namespace rocketpush

#endif
