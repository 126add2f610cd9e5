#include "display.hpp"

#include <rocketpush/core/names.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string_view>

#include "rocketcat/terminal.hpp"

namespace demo {

using rocketcat::with_commas;
namespace {

constexpr std::size_t news_shown = 8; ///< Lines.

/// `0 1 2`, with the broker's name where there are several: `broker-a:0 broker-b:0`.
std::string queue_list(const rocketpush::consumer_statistics& state) {
    std::string list, broker;
    bool several = false;
    for (const auto& each : state.queues)
        if (!rocketpush::is_retry_topic(each.queue.topic)) {
            several = several || (!broker.empty() && broker != each.queue.broker_name);
            broker  = each.queue.broker_name;
        }
    for (const auto& each : state.queues)
        if (!rocketpush::is_retry_topic(each.queue.topic) && each.stage != rocketpush::queue_stage::releasing) {
            const auto* separator = list.empty() ? "" : " ";
            list += several ? fmt::format("{}{}:{}", separator, each.queue.broker_name, each.queue.queue_id)
                            : fmt::format("{}{}", separator, each.queue.queue_id);
        }
    return list.empty() ? "none" : list;
}

std::uint64_t per_second(std::uint64_t more, double seconds) {
    return seconds <= 0 ? 0 : static_cast<std::uint64_t>(static_cast<double>(more) / seconds);
}

} // namespace

void display::tick(const sending& producer, const std::vector<std::unique_ptr<group_member>>& members,
                   std::uint64_t duplicates) {
    const auto every = terminal_ ? std::chrono::milliseconds(250) : std::chrono::milliseconds(1000);
    if (!terminal_)
        print_news();
    const std::chrono::duration<double> since = clock::now() - taken_;
    if (since < every)
        return;
    take(producer, members, since.count());
    if (terminal_)
        draw(producer, members, duplicates);
    else
        print(producer, members);
}

void display::end(const sending& producer, const std::vector<std::unique_ptr<group_member>>& members,
                  std::uint64_t duplicates) {
    if (!terminal_)
        return print_news();
    take(producer, members, 0); // nothing moves any more
    draw(producer, members, duplicates);
}

void display::take(const sending& producer, const std::vector<std::unique_ptr<group_member>>& members, double seconds) {
    taken_     = clock::now();
    send_rate_ = per_second(producer.sent - sent_, seconds);
    sent_      = producer.sent;
    rows_.resize(members.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
        auto& here       = rows_[i];
        const auto state = members[i]->statistics();
        const auto total = members[i]->consumed();
        here.left        = members[i]->has_left();
        here.rate        = per_second(total - here.consumed, seconds);
        here.consumed    = total;
        here.lag         = state ? static_cast<std::uint64_t>(state->lag) : 0;
        here.queues      = state ? queue_list(*state) : "none";
    }
}

void display::draw(const sending& producer, const std::vector<std::unique_ptr<group_member>>& members,
                   std::uint64_t duplicates) {
    std::string text;
    std::size_t lines = 0;
    const auto width  = rocketcat::terminal_width(stdout);
    const auto line = [&](std::string_view content) { // one that wraps would be two, and the next drawing begin too low
        fmt::format_to(std::back_inserter(text), "{}\033[K\n", content.substr(0, width));
        ++lines;
    };
    const auto done = producer.wanted == 0 ? 0 : 30 * producer.sent / producer.wanted;
    line(fmt::format("  producer   [{:<30}] {:>9} of {}  {:>9}/s", std::string(done, '#'), with_commas(producer.sent),
                     with_commas(producer.wanted), with_commas(send_rate_)));
    line("");
    line(fmt::format("  {:<10} {:>11} {:>12} {:>9}  queues", "member", "messages/s", "consumed", "lag"));
    row sum;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const auto& here = rows_[i];
        line(fmt::format("  {:<10} {:>11} {:>12} {:>9}  {}", members[i]->name(), with_commas(here.rate),
                         with_commas(here.consumed), with_commas(here.lag), here.left ? "(has left)" : here.queues));
        sum.rate += here.rate, sum.consumed += here.consumed, sum.lag += here.lag;
    }
    line(fmt::format("  {:<10} {:>11} {:>12} {:>9}  duplicates {}", "group", with_commas(sum.rate),
                     with_commas(sum.consumed), with_commas(sum.lag), with_commas(duplicates)));
    line("");
    const auto happened = told_.size();
    for (const auto& each : told_.from(happened > news_shown ? happened - news_shown : 0))
        line(fmt::format("  {}", each));
    const auto up = drawn_lines_ == 0 ? std::string() : fmt::format("\033[{}A", drawn_lines_);
    fmt::print("{}{}\033[J", up, text);
    std::fflush(stdout);
    drawn_lines_ = lines;
}

void display::print(const sending& producer, const std::vector<std::unique_ptr<group_member>>& members) {
    auto text = fmt::format("sent {} of {} ({}/s)", with_commas(producer.sent), with_commas(producer.wanted),
                            with_commas(send_rate_));
    for (std::size_t i = 0; i < rows_.size(); ++i)
        text += rows_[i].left ? fmt::format("; {} has left", members[i]->name())
                              : fmt::format("; {}: queues {}, {}/s, lag {}", members[i]->name(), rows_[i].queues,
                                            with_commas(rows_[i].rate), with_commas(rows_[i].lag));
    fmt::print("{}\n", text);
    std::fflush(stdout);
}

void display::print_news() {
    for (const auto& each : told_.from(told_lines_)) {
        fmt::print("{}\n", each);
        ++told_lines_;
    }
    std::fflush(stdout);
}

} // namespace demo
