#ifndef ROCKETPUSH_TESTS_SUPPORT_SCRIPTED_BROKER_HPP
#define ROCKETPUSH_TESTS_SUPPORT_SCRIPTED_BROKER_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/requests.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/manual_runtime.hpp"
#include "tests/support/memory_peer.hpp"

namespace rocketpush::test {

class scripted_broker;

/// What a scripted broker reads and writes, in words: `broker.expect(pull("orders", 0).from(7)).reply(messages(3))`.
namespace dialogue {

/// Which frames an expectation fits: those of a request code whose named fields have these values.
struct request_pattern {
    protocol::request_code code{};
    std::vector<std::pair<std::string, std::string>> fields{};

    request_pattern with(std::string name, std::string value) const {
        auto narrower = *this;
        narrower.fields.emplace_back(std::move(name), std::move(value));
        return narrower;
    }
    request_pattern with(std::string name, std::int64_t value) const {
        return with(std::move(name), std::to_string(value));
    }
    /// Of a pull: its first offset.
    request_pattern from(queue_offset offset) const { return with("queueOffset", offset); }
    /// Of a pull: the offset that it commits on its way.
    request_pattern committing(queue_offset offset) const { return with("commitOffset", offset); }

    bool fits(const peer_frame& frame) const {
        if (frame.header.code != static_cast<std::int32_t>(code)) return false;
        for (const auto& [name, value] : fields)
            if (frame.field(name) != value) return false;
        return true;
    }
};

// Requests.

inline request_pattern request(protocol::request_code code) {
    return {code};
}
inline request_pattern get_route() {
    return {protocol::request_code::get_route_info};
}
inline request_pattern get_route(std::string topic) {
    return get_route().with("topic", std::move(topic));
}
inline request_pattern heartbeat() {
    return {protocol::request_code::heart_beat};
}
inline request_pattern unregister() {
    return {protocol::request_code::unregister_client};
}
inline request_pattern get_members() {
    return {protocol::request_code::get_consumer_list};
}
inline request_pattern get_members(std::string group) {
    return get_members().with("consumerGroup", std::move(group));
}

inline request_pattern of_queue(protocol::request_code code, std::string topic, std::int32_t id) {
    return request_pattern{code}.with("topic", std::move(topic)).with("queueId", id);
}
inline request_pattern pull() {
    return {protocol::request_code::pull_message};
}
inline request_pattern pull(std::string topic) {
    return pull().with("topic", std::move(topic));
}
inline request_pattern pull(std::string topic, std::int32_t id) {
    return of_queue(protocol::request_code::pull_message, std::move(topic), id);
}
inline request_pattern query_offset() {
    return {protocol::request_code::query_consumer_offset};
}
inline request_pattern query_offset(std::string topic, std::int32_t id) {
    return of_queue(protocol::request_code::query_consumer_offset, std::move(topic), id);
}
inline request_pattern update_offset() {
    return {protocol::request_code::update_consumer_offset};
}
inline request_pattern update_offset(std::string topic, std::int32_t id, queue_offset offset) {
    return of_queue(protocol::request_code::update_consumer_offset, std::move(topic), id).committing(offset);
}
inline request_pattern max_offset() {
    return {protocol::request_code::get_max_offset};
}
inline request_pattern max_offset(std::string topic, std::int32_t id) {
    return of_queue(protocol::request_code::get_max_offset, std::move(topic), id);
}
inline request_pattern min_offset() {
    return {protocol::request_code::get_min_offset};
}
inline request_pattern min_offset(std::string topic, std::int32_t id) {
    return of_queue(protocol::request_code::get_min_offset, std::move(topic), id);
}
inline request_pattern offset_at() {
    return {protocol::request_code::search_offset_by_timestamp};
}
inline request_pattern send_back() {
    return {protocol::request_code::consumer_send_back};
}
inline request_pattern send_back(std::int64_t commit_log_offset) {
    return send_back().with("offset", commit_log_offset);
}
inline request_pattern send_copy() {
    return {protocol::request_code::send_message_v2};
}

// Answers.

/// Appends the frame that answers a request.
using answer =
    std::function<void(std::string& out, const peer_frame& request, const scripted_broker&, const endpoint& at)>;

template <class Fields>
answer respond(response_code code, Fields fields, std::string body = {}, std::string remark = {}) {
    return [=](std::string& out, const peer_frame& request, const scripted_broker&, const endpoint&) {
        protocol::append_response(out, protocol::header_encoding::json, code, request.header.opaque, remark, fields,
                                  body);
    };
}
inline answer ok() {
    return respond(response_code::success, protocol::no_fields{});
}
inline answer refusal(response_code code, std::string remark = "refused by the script") {
    return respond(code, protocol::no_fields{}, {}, std::move(remark));
}
inline answer offset(queue_offset value) {
    return respond(response_code::success, protocol::offset_response{.offset = value});
}
/// To a query of a group that has never committed.
inline answer no_offset() {
    return refusal(response_code::query_not_found, "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first");
}
inline answer no_route() {
    return refusal(response_code::topic_not_exist, "No topic route info in name server for the topic");
}
inline answer member_ids(std::vector<std::string> ids) {
    return respond(response_code::success, protocol::no_fields{},
                   protocol::encode(protocol::consumer_list{std::move(ids)}));
}
/// The clients whose heartbeats came.
answer members_that_beat();

/// A broker of a route: its name, how many queues, and where it is; nowhere given: where the name server was asked.
struct route_entry {
    std::string broker_name;
    std::int32_t queues = 1;
    std::string address{};
};
inline answer route(std::vector<route_entry> brokers) {
    return [brokers](std::string& out, const peer_frame& request, const scripted_broker&, const endpoint& at) {
        protocol::route_data data;
        for (const auto& each : brokers) {
            const auto address = each.address.empty() ? to_string(at) : each.address;
            data.queue_datas.push_back(
                {.broker_name = each.broker_name, .read_queue_nums = each.queues, .write_queue_nums = each.queues});
            data.broker_datas.push_back(
                {.cluster = "script", .broker_name = each.broker_name, .broker_addrs = {{0, address}}});
        }
        protocol::append_response(out, protocol::header_encoding::json, response_code::success, request.header.opaque,
                                  "", protocol::no_fields{}, protocol::encode(data));
    };
}

/// The messages with these bodies, from the pulled offset on; the queue ends `behind` messages later. Each message's
/// commit log offset is 1000 times its queue offset.
inline answer messages(std::vector<std::string> bodies, std::int64_t behind = 0, std::string properties = {}) {
    return [=](std::string& out, const peer_frame& request, const scripted_broker&, const endpoint&) {
        const auto asked = protocol::read_fields<protocol::pull_request>(request.header);
        REQUIRE(asked.has_value());
        std::string body;
        auto at = asked->queue_offset;
        for (const auto& each : bodies) {
            protocol::append_stored_message(body, {.topic             = asked->topic,
                                                   .body              = each,
                                                   .properties        = properties,
                                                   .queue_id          = asked->queue_id,
                                                   .queue_offset      = at,
                                                   .commit_log_offset = at * 1000,
                                                   .born_timestamp    = 1'700'000'000'000,
                                                   .store_timestamp   = 1'700'000'000'000});
            ++at;
        }
        const protocol::pull_response fields{.next_begin_offset = at, .max_offset = at + behind};
        protocol::append_response(out, protocol::header_encoding::json, response_code::success, request.header.opaque,
                                  "FOUND", fields, body);
    };
}
/// `count` messages, "0", "1" ...
inline answer messages(int count) {
    std::vector<std::string> bodies;
    for (int i = 0; i < count; ++i) bodies.push_back(std::to_string(i));
    return messages(std::move(bodies));
}
/// To a pull that was held until its time was over.
inline answer nothing_new(queue_offset next, response_code code = response_code::pull_not_found) {
    return respond(code, protocol::pull_response{.next_begin_offset = next, .max_offset = next});
}
/// The broker has no such offset and offers another one.
inline answer offset_illegal(queue_offset offered, std::string remark = "the script says so") {
    return respond(response_code::pull_offset_moved,
                   protocol::pull_response{.next_begin_offset = offered, .max_offset = offered}, {}, std::move(remark));
}

} // namespace dialogue

/**
 * @brief A name server and broker that say what the test tells them to, on the memory transport in virtual time.
 *
 * @code
 * broker.expect(get_route("orders")).reply(route({{"broker-a", 4}})).after(2ms)
 *       .expect(pull("orders", 0).from(7)).reply(messages(3)).after(20s);   // long poll
 * @endcode
 *
 * A frame takes the first expectation that it fits: each `expect` stands for one frame, in any order, but those behind
 * a `then()` only after all before it; an `always` stands for any number of frames that no `expect` fits. Without `reply`
 * a request is never answered. A frame that nobody expected fails the test, and so does the end of a broker some of whose
 * expectations were not met.
 *
 * @par Thread safety  One thread: the runtime's.
 */
class scripted_broker {
  public:
    using duration = std::chrono::steady_clock::duration;

    /// @param at  All its addresses; more than one where name server and brokers are to be told apart.
    scripted_broker(manual_runtime& runtime, const std::shared_ptr<memory_network>& network,
                    const std::vector<endpoint>& at = {{"broker-a", 10911}})
        : runtime_(runtime) {
        for (const auto& each : at)
            peers_.push_back(std::make_unique<memory_peer>(runtime, network, each, [this, each](peer_session& from) {
                while (const auto frame = from.take_frame()) hear(from.shared_from_this(), frame, each);
            }));
    }
    scripted_broker(const scripted_broker&)            = delete;
    scripted_broker& operator=(const scripted_broker&) = delete;
    ~scripted_broker() {
        *alive_ = false;
        if (std::uncaught_exceptions() == 0) CHECK(missing() == "");
    }

    // The script.

    scripted_broker& expect(dialogue::request_pattern pattern) {
        lines_.push_back({.pattern = std::move(pattern), .part = part_, .left = 1});
        current_ = lines_.size() - 1;
        return *this;
    }
    /// Any number of such frames from now on. A later `always` comes before an earlier one.
    scripted_broker& always(dialogue::request_pattern pattern) {
        lines_.push_back({.pattern = std::move(pattern), .part = 0, .left = any_number});
        current_ = lines_.size() - 1;
        return *this;
    }
    /// The expectation stands for `count` frames, each answered alike.
    scripted_broker& times(std::size_t count) {
        lines_[current_].left = count;
        return *this;
    }
    /// What is sent to the expectation's frames; else nothing.
    scripted_broker& reply(dialogue::answer with) {
        lines_[current_].with = std::move(with);
        return *this;
    }
    /// How long the answer takes.
    scripted_broker& after(duration delay) {
        lines_[current_].delay = delay;
        return *this;
    }
    /// The connection is closed, in place of an answer or behind it.
    scripted_broker& then_close() {
        lines_[current_].close = true;
        return *this;
    }
    /// Only at this one of the broker's addresses.
    scripted_broker& only_at(endpoint where) {
        lines_[current_].where = std::move(where);
        return *this;
    }
    /// What follows may come only when all before has come.
    scripted_broker& then() {
        ++part_;
        return *this;
    }

    /**
     * @brief What a consumer of a quiet topic needs: routes, heartbeats, members (those that beat), no stored offset, empty
     *        queues, pulls that are held, commits and farewells that are taken.
     *
     * Scripts then expect what is special about their story.
     */
    scripted_broker& serve_quietly(const std::string& topic, std::vector<dialogue::route_entry> brokers) {
        using namespace dialogue;
        always(get_route()).reply(no_route()); // the retry topic's
        always(get_route(topic)).reply(route(std::move(brokers)));
        always(heartbeat()).reply(ok());
        always(get_members()).reply(members_that_beat());
        always(query_offset()).reply(no_offset());
        always(update_offset()).reply(ok());
        always(max_offset()).reply(offset(0));
        always(min_offset()).reply(offset(0));
        always(unregister()).reply(ok());
        always(pull());
        return *this;
    }

    // What happens besides answers.

    /// Sends a one-way request to every open connection, or to those of one address.
    template <class Request>
    void push(const Request& request, const std::optional<endpoint>& at = {}) {
        std::string bytes;
        protocol::append_request(bytes, protocol::header_encoding::json, request, {.flag = protocol::oneway_flag});
        for (const auto& peer : peers_)
            for (const auto& each : peer->sessions)
                if (!each->ended && (!at || *at == peer->at)) each->write(bytes);
    }
    /// Sends a request that wants an answer to every open connection of `at`; the answers come into `answers()`.
    template <class Request>
    void ask(const Request& request, const endpoint& at, std::int32_t opaque, std::string_view body = {}) {
        std::string bytes;
        protocol::append_request(bytes, protocol::header_encoding::json, request, {.opaque = opaque}, body);
        for (const auto& peer : peers_)
            for (const auto& each : peer->sessions)
                if (!each->ended && at == peer->at) each->write(bytes);
    }
    void push_members_changed(std::string group) {
        push(protocol::consumer_ids_changed_notice{.consumer_group = std::move(group)});
    }
    void close_connections() {
        for (const auto& peer : peers_)
            for (const auto& each : peer->sessions) each->close();
    }

    // What came.

    /// Every frame in its order, as `pull_message topic=orders queueId=0 ...`.
    const std::vector<std::string>& heard() const noexcept { return heard_; }
    /// What clients answered to `ask`.
    const std::vector<std::shared_ptr<const peer_frame>>& answers() const noexcept { return answers_; }
    /// How many frames of a kind came.
    std::size_t count(const dialogue::request_pattern& pattern) const {
        std::size_t found = 0;
        for (const auto& each : frames_) found += pattern.fits(*each);
        return found;
    }
    /// Of a kind of frames the one that came last; null: none came.
    const peer_frame* last(const dialogue::request_pattern& pattern) const {
        for (auto each = frames_.rbegin(); each != frames_.rend(); ++each)
            if (pattern.fits(**each)) return each->get();
        return nullptr;
    }
    /// The clients whose heartbeats came, sorted.
    const std::set<std::string>& clients() const noexcept { return clients_; }
    std::size_t open_connections() const {
        std::size_t open = 0;
        for (const auto& peer : peers_)
            for (const auto& each : peer->sessions) open += !each->ended;
        return open;
    }

    /// The expectations that wait for their frames, a line each; empty: all were met.
    std::string missing() const {
        std::string text;
        for (const auto& each : lines_)
            if (each.left != any_number && each.left != 0)
                text += "expected " + describe(each.pattern) +
                        (each.left > 1 ? ", " + std::to_string(each.left) + " times\n" : "\n");
        return text;
    }
    bool done() const { return missing().empty(); }

    /// Told of every frame that nobody expected; by default the test fails.
    std::function<void(const std::string&)> on_unexpected = [](const std::string& frame) {
        FAIL_CHECK("nobody expected " << frame);
    };

  private:
    static constexpr std::size_t any_number = static_cast<std::size_t>(-1);

    struct line {
        dialogue::request_pattern pattern;
        std::size_t part = 0;
        std::size_t left = 1;
        dialogue::answer with{};
        duration delay{};
        bool close = false;
        std::optional<endpoint> where{};
    };

    static std::string name_of(protocol::request_code code) {
        using enum protocol::request_code;
        switch (code) {
        case pull_message: return "pull_message";
        case query_consumer_offset: return "query_consumer_offset";
        case update_consumer_offset: return "update_consumer_offset";
        case search_offset_by_timestamp: return "search_offset_by_timestamp";
        case get_max_offset: return "get_max_offset";
        case get_min_offset: return "get_min_offset";
        case heart_beat: return "heart_beat";
        case unregister_client: return "unregister_client";
        case consumer_send_back: return "consumer_send_back";
        case get_consumer_list: return "get_consumer_list";
        case get_route_info: return "get_route_info";
        default: return "request " + std::to_string(static_cast<int>(code));
        }
    }
    static std::string describe(const dialogue::request_pattern& pattern) {
        auto text = name_of(pattern.code);
        for (const auto& [name, value] : pattern.fields) text += ' ' + name + '=' + value;
        return text;
    }
    static std::string describe(const peer_frame& frame) {
        auto text = name_of(static_cast<protocol::request_code>(frame.header.code));
        frame.header.for_each_field([&text](std::string_view name, const protocol::field_value& value) {
            text += ' ' + std::string(name) + '=' + value.to_string();
        });
        return text;
    }

    /// The first part of the script that has an expectation open.
    std::size_t open_part() const {
        auto first = part_;
        for (const auto& each : lines_)
            if (each.left != any_number && each.left != 0) first = std::min(first, each.part);
        return first;
    }

    line* line_for(const peer_frame& frame, const endpoint& at) {
        const auto fits = [&](const line& each) {
            return each.pattern.fits(frame) && (!each.where || *each.where == at);
        };
        const auto part = open_part();
        for (auto& each : lines_)
            if (each.left != any_number && each.left != 0 && each.part <= part && fits(each)) return &each;
        for (auto each = lines_.rbegin(); each != lines_.rend(); ++each)
            if (each->left == any_number && fits(*each)) return &*each;
        return nullptr;
    }

    void hear(const std::shared_ptr<peer_session>& from, const std::shared_ptr<const peer_frame>& frame,
              const endpoint& at) {
        if (frame->header.is_response()) {
            answers_.push_back(frame);
            return;
        }
        frames_.push_back(frame);
        heard_.push_back(describe(*frame));
        if (dialogue::heartbeat().fits(*frame))
            if (const auto beat = protocol::decode_heartbeat(frame->body)) clients_.insert(beat->client_id);
        line* fitting = line_for(*frame, at);
        if (!fitting) return on_unexpected(heard_.back());
        if (fitting->left != any_number) --fitting->left;
        if (fitting->delay == duration::zero()) return answer_to(*from, *frame, at, fitting->with, fitting->close);
        const auto timer = std::make_shared<manual_runtime::timer>(runtime_);
        timer->expires_at(runtime_.now() + fitting->delay);
        timer->async_wait([this, alive = alive_, timer, from, frame, at, with = fitting->with,
                           close = fitting->close](std::error_code ec) {
            if (!ec && *alive) answer_to(*from, *frame, at, with, close);
        });
    }

    void answer_to(peer_session& to, const peer_frame& request, const endpoint& at, const dialogue::answer& with,
                   bool close) {
        if (with && !to.ended) {
            std::string bytes;
            with(bytes, request, *this, at);
            to.write(std::move(bytes));
        }
        if (close) // behind the answer, which takes its turn on the executor
            asio::post(runtime_.get_executor(), [session = to.shared_from_this()] { session->close(); });
    }

    manual_runtime& runtime_;
    std::vector<line> lines_;
    std::size_t current_ = 0;
    std::size_t part_    = 0;
    std::vector<std::shared_ptr<const peer_frame>> frames_;
    std::vector<std::shared_ptr<const peer_frame>> answers_;
    std::vector<std::string> heard_;
    std::set<std::string> clients_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::vector<std::unique_ptr<memory_peer>> peers_; // last: their callbacks use the others
};

inline dialogue::answer dialogue::members_that_beat() {
    return [](std::string& out, const peer_frame& request, const scripted_broker& broker, const endpoint&) {
        const auto& ids = broker.clients();
        protocol::append_response(out, protocol::header_encoding::json, response_code::success, request.header.opaque,
                                  "", protocol::no_fields{},
                                  protocol::encode(protocol::consumer_list{std::vector(ids.begin(), ids.end())}));
    };
}

} // namespace rocketpush::test

#endif
