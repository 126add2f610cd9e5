#include "bench/support/canned_broker.hpp"

#include <rocketpush/core/names.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/bodies_assignment.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/frame.hpp>
#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/protocol/requests_pop.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace bench {

namespace protocol = rocketpush::protocol;
using rocketpush::response_code;

namespace {

constexpr std::int32_t broker_version = 513; // 5.5.0

/// Reads along a text of which most is known.
struct known_text {
    const char* at;
    const char* end;

    bool skip(std::string_view expected) noexcept {
        if (static_cast<std::size_t>(end - at) < expected.size() ||
            std::memcmp(at, expected.data(), expected.size()) != 0)
            return false;
        at += expected.size();
        return true;
    }
    bool skip_past(std::string_view mark) noexcept {
        const auto place = std::string_view(at, static_cast<std::size_t>(end - at)).find(mark);
        if (place == std::string_view::npos)
            return false;
        at += place + mark.size();
        return true;
    }
    template <class T>
    bool read(T& number) noexcept {
        const auto [behind, ec] = std::from_chars(at, end, number);
        at                      = behind;
        return ec == std::errc();
    }
};

char* put(char* to, std::string_view text) noexcept {
    std::memcpy(to, text.data(), text.size());
    return to + text.size();
}
char* put(char* to, char* end, std::int64_t number) noexcept { return std::to_chars(to, end, number).ptr; }

} // namespace

canned_broker::canned_broker(canned_load load) : load_(std::move(load)) {
    const auto queues = static_cast<std::uint64_t>(load_.queues);
    if (load_.queues <= 0 || load_.messages == 0 || load_.messages % (queues * load_.pull_batch) != 0)
        throw std::invalid_argument("every queue gives whole pulls");
    const auto end = first_offset + static_cast<std::int64_t>(load_.messages / queues);
    for (std::int32_t id = 0; id < load_.queues; ++id)
        queues_.push_back({make_records(load_.topic, id, load_.pull_batch, load_.kind), end});
    min_and_max_ = R"(","maxOffset":")" + std::to_string(end) + R"(","minOffset":")" + std::to_string(first_offset) +
                   R"(","topicSysFlag":"0"},"flag":1,"language":"JAVA","opaque":)";

    // What stands before the first number of a pull is learnt from one that the library writes.
    std::string sample;
    const protocol::pull_request pull{.consumer_group = load_.group, .topic = load_.topic, .queue_id = 1};
    const protocol::pop_request pop{.consumer_group = load_.group, .topic = load_.topic, .queue_id = 1};
    const protocol::pop_turn turn;
    if (load_.popped)
        protocol::append_request(sample, protocol::header_encoding::json, protocol::repeated_pop(pop).with(turn), {});
    else
        protocol::append_request(sample, protocol::header_encoding::json,
                                 protocol::repeated_pull(pull).with(protocol::pull_position{.queue_offset = 2}), {});
    const auto header = std::string_view(sample).substr(protocol::frame_prefix_size);
    before_queue_     = header.substr(0, header.find(R"("queueId":")") + 11);
}

void canned_broker::when_given(std::uint64_t number, std::function<void()> then) {
    if (number == load_.messages) {
        when_exhausted_ = std::move(then);
        return;
    }
    awaited_number_ = number;
    when_reached_   = std::move(then);
}

void canned_broker::count_pull() {
    if (given_ == awaited_number_)
        when_reached_();
    given_ += load_.pull_batch;
}

std::string canned_broker::answer_to(const protocol::header_view& request) {
    const auto topic  = request.field("topic").value_or(protocol::field_value{}).to_string();
    const bool retry  = rocketpush::is_retry_topic(topic);
    const auto answer = [&](response_code code, const protocol::fields_view& fields, std::string_view body = {}) {
        std::string frame;
        protocol::append_response(frame, protocol::header_encoding::json, code, request.opaque, {}, fields, body,
                                  broker_version);
        return frame;
    };
    const auto plain = [&](std::string_view body = {}) {
        return answer(response_code::success, protocol::no_fields{}, body);
    };
    using protocol::request_code;
    switch (static_cast<request_code>(request.code)) {
    case request_code::get_route_info:
        return plain(
            protocol::encode(protocol::route_data{.queue_datas  = {{.broker_name      = "broker-a",
                                                                    .read_queue_nums  = retry ? 1 : load_.queues,
                                                                    .write_queue_nums = retry ? 1 : load_.queues}},
                                                  .broker_datas = {{.cluster      = "DefaultCluster",
                                                                    .broker_name  = "broker-a",
                                                                    .broker_addrs = {{0, std::string(address)}}}}}));
    case request_code::get_consumer_list: return plain(protocol::encode(protocol::consumer_list{{load_.client_id}}));
    case request_code::query_consumer_offset:
        return answer(response_code::success, protocol::offset_response{.offset = retry ? 0 : first_offset});
    case request_code::lock_batch: { // whatever is asked for: all of it is this client's
        protocol::locked_queues all;
        all.queues.push_back({rocketpush::retry_topic(load_.group), "broker-a", 0});
        for (std::int32_t id = 0; id < load_.queues; ++id)
            all.queues.push_back({load_.topic, "broker-a", id});
        return plain(protocol::encode(all));
    }
    case request_code::query_assignment: {
        protocol::assignment_answer assigned;
        assigned.queues.emplace();
        for (std::int32_t id = 0; id < load_.queues; ++id)
            assigned.queues->push_back({{load_.topic, "broker-a", id}, protocol::request_mode::pop});
        return plain(protocol::encode(assigned));
    }
    case request_code::send_message_v2:
        return answer(response_code::success, protocol::send_response{.message_id = "7F00000100002A9F0000000000000000"});
    case request_code::batch_ack_message:
    case request_code::unlock_batch:
    case request_code::heart_beat:
    case request_code::update_consumer_offset:
    case request_code::unregister_client: return plain();
    case request_code::pull_message: return {}; // of the retry topic: held
    default: return answer(response_code::request_code_not_supported, protocol::no_fields{});
    }
}

void canned_broker::session::receive(std::string_view bytes) {
    if (!incomplete_.empty()) {
        incomplete_.append(bytes);
        const auto taken = receive_whole(incomplete_);
        incomplete_.erase(0, taken);
        return;
    }
    incomplete_.append(bytes.substr(receive_whole(bytes)));
}

/// @return How many bytes were whole frames.
std::size_t canned_broker::session::receive_whole(std::string_view bytes) {
    std::size_t taken = 0;
    while (bytes.size() - taken > protocol::frame_prefix_size) {
        const auto size = 4 + std::size_t{rocketpush::detail::load_big<std::uint32_t>(bytes.data() + taken)};
        if (bytes.size() - taken < size)
            break;
        const auto frame = bytes.substr(taken, size);
        if (!(broker_->load_.popped ? receive_pop(frame) : receive_pull(frame)))
            receive_other(frame);
        taken += size;
    }
    return taken;
}

bool canned_broker::session::receive_pull(std::string_view frame) {
    known_text text{frame.data() + protocol::frame_prefix_size, frame.data() + frame.size()};
    answer pulled;
    std::int64_t other    = 0;
    const bool understood = text.skip(broker_->before_queue_) && text.read(pulled.queue) &&
                            text.skip_past(R"("queueOffset":")") && text.read(pulled.offset) &&
                            text.skip(R"(","sysFlag":")") && text.read(other) && text.skip(R"(","commitOffset":")") &&
                            text.read(other) && text.skip(R"("},"opaque":)") && text.read(pulled.opaque);
    if (understood)
        ask_for(std::move(pulled));
    return understood;
}

bool canned_broker::session::receive_pop(std::string_view frame) {
    known_text text{frame.data() + protocol::frame_prefix_size, frame.data() + frame.size()};
    answer popped;
    std::int64_t born     = 0;
    const bool understood = text.skip(broker_->before_queue_) && text.read(popped.queue) &&
                            text.skip_past(R"("bornTime":")") && text.read(born) && text.skip(R"("},"opaque":)") &&
                            text.read(popped.opaque);
    if (!understood)
        return false;
    auto& queue   = broker_->queues_.at(static_cast<std::size_t>(popped.queue));
    popped.offset = queue.popped;
    queue.popped += static_cast<std::int64_t>(broker_->load_.pull_batch);
    ask_for(std::move(popped));
    return true;
}

/// Messages from an offset on; behind the last one nothing, for ever.
void canned_broker::session::ask_for(answer wanted) {
    if (wanted.offset < broker_->queues_.at(static_cast<std::size_t>(wanted.queue)).end)
        answers_.push_back(std::move(wanted));
    else if (++broker_->exhausted_ == broker_->load_.queues && broker_->when_exhausted_)
        broker_->when_exhausted_();
}

void canned_broker::session::receive_other(std::string_view frame) {
    const auto prefix = protocol::parse_frame_prefix(frame.data(), frame.size());
    if (!prefix)
        throw std::runtime_error("a request is no frame: " + prefix.error().message());
    const auto header =
        protocol::parse_header(prefix->encoding, frame.substr(protocol::frame_prefix_size, prefix->header_size));
    if (!header)
        throw std::runtime_error("a request has no header: " + header.error().message());
    if (auto text = broker_->answer_to(*header); !text.empty() && !header->is_oneway())
        answers_.push_back({.text = std::move(text)});
}

char* canned_broker::put_pull_fields(char* to, char* end, std::int64_t offset) const noexcept {
    to = put(to, R"({"code":0,"extFields":{"suggestWhichBrokerId":"0","groupSysFlag":"0","nextBeginOffset":")");
    to = put(to, end, offset + static_cast<std::int64_t>(load_.pull_batch));
    return put(to, min_and_max_);
}

char* canned_broker::put_pop_fields(char* to, char* end, std::int32_t queue, std::int64_t offset) const noexcept {
    to = put(to,
             R"({"code":0,"extFields":{"popTime":"1795372672059","invisibleTime":"60000","reviveQid":"2","restNum":")");
    to = put(to, end, queues_[static_cast<std::size_t>(queue)].end - offset);
    to = put(put(put(to, R"(","startOffsetInfo":"0 )"), end, queue), " ");
    to = put(to, end, offset);
    to = put(put(put(to, R"(","msgOffsetInfo":"0 )"), end, queue), " ");
    for (std::size_t i = 0; i < load_.pull_batch; ++i)
        to = put(put(to, i == 0 ? "" : ","), end, offset + static_cast<std::int64_t>(i));
    return put(to, R"("},"flag":1,"language":"JAVA","opaque":)");
}

/// Makes `left_` and `left_body_` the next answer.
void canned_broker::session::begin_next() {
    answer& next = answers_[next_++];
    if (!next.text.empty()) {
        text_      = std::move(next.text);
        left_      = text_;
        left_body_ = {};
    } else {
        broker_->count_pull();
        auto& records = broker_->queues_[static_cast<std::size_t>(next.queue)].records;
        records.renumber(next.offset);
        char* const end   = head_ + sizeof head_;
        char* to          = head_ + protocol::frame_prefix_size;
        to                = broker_->load_.popped ? broker_->put_pop_fields(to, end, next.queue, next.offset)
                                                  : broker_->put_pull_fields(to, end, next.offset);
        to                = put(to, end, next.opaque);
        to                = put(to, R"(,"remark":"FOUND","serializeTypeCurrentRPC":"JSON","version":513})");
        const auto size   = static_cast<std::uint32_t>(to - head_);
        const auto header = size - static_cast<std::uint32_t>(protocol::frame_prefix_size);
        rocketpush::detail::store_big(head_, size - 4 + static_cast<std::uint32_t>(records.bytes.size()));
        rocketpush::detail::store_big(head_ + 4, header); // encoding 0: JSON
        left_      = {head_, size};
        left_body_ = records.bytes;
    }
    if (next_ == answers_.size()) {
        answers_.clear();
        next_ = 0;
    }
}

std::size_t canned_broker::session::give(char* to, std::size_t room) {
    std::size_t given = 0;
    while (given != room) {
        if (left_.empty()) {
            if (next_ == answers_.size())
                break;
            begin_next();
        }
        const auto count = std::min(room - given, left_.size());
        std::memcpy(to + given, left_.data(), count);
        given += count;
        left_.remove_prefix(count);
        if (left_.empty())
            left_ = std::exchange(left_body_, {});
    }
    return given;
}

} // namespace bench
