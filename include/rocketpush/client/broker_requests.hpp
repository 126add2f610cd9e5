#ifndef ROCKETPUSH_CLIENT_BROKER_REQUESTS_HPP
#define ROCKETPUSH_CLIENT_BROKER_REQUESTS_HPP

#include <rocketpush/client/group_member.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/remoting/frame_reader.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush {

/**
 * @brief What brokers ask of a client, by themselves or for an administrator: finds the consumer that is meant, and answers.
 *
 * All of it is of the moment but a listener call (309), whose answer comes when that has ended.
 *
 * @tparam Connection  Where requests come from.
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `ClientRemotingProcessor`.
 */
template <class Connection>
class broker_requests {
  public:
    using members_type = std::map<std::string, group_member>;

    explicit broker_requests(members_type& members) noexcept : members_(members) {}

    void answer(Connection& from, const received_frame& frame) {
        using code = protocol::request_code;
        switch (static_cast<code>(frame.header.code)) {
        case code::notify_consumer_ids_changed: return members_changed(frame);
        case code::reset_consumer_offset: return reset(frame);
        case code::get_consumer_status: return tell_status(from, frame);
        case code::get_consumer_running_info: return tell_running_info(from, frame);
        case code::consume_message_directly: return consume_directly(from, frame);
        case code::check_transaction_state: return; // for producers, as is the next
        case code::push_reply_message: return from.respond(frame, response_code::success, {}, protocol::no_fields{});
        default:
            from.respond(frame, response_code::request_code_not_supported,
                         " request type " + std::to_string(frame.header.code) + " not supported",
                         protocol::no_fields{});
        }
    }

  private:
    void members_changed(const received_frame& frame) {
        if (const auto notice = protocol::read_fields<protocol::consumer_ids_changed_notice>(frame.header))
            if (const auto* member = find(notice->consumer_group))
                member->members_changed(member->self);
    }

    void reset(const received_frame& frame) {
        const auto notice = protocol::read_fields<protocol::reset_offset_notice>(frame.header);
        const auto to     = protocol::decode_reset(frame.body);
        if (!notice || !to)
            return;
        if (const auto* member = find(notice->consumer_group))
            member->reset(member->self, notice->topic, *to);
    }

    /// Of a group that is not here: no queues.
    void tell_status(Connection& from, const received_frame& frame) {
        const auto wanted = read<protocol::consumer_status_request>(from, frame);
        if (!wanted)
            return;
        const auto* member = find(wanted->consumer_group);
        from.respond(frame, response_code::success, {}, protocol::no_fields{},
                     member ? member->status(member->self, wanted->topic)
                            : protocol::encode(protocol::consumer_status{}));
    }

    void tell_running_info(Connection& from, const received_frame& frame) {
        const auto wanted = read<protocol::running_info_request>(from, frame);
        if (!wanted)
            return;
        if (const auto* member = find_or_refuse(from, frame, wanted->consumer_group))
            from.respond(frame, response_code::success, {}, protocol::no_fields{},
                         member->running_info(member->self, wanted->with_stacks));
    }

    void consume_directly(Connection& from, const received_frame& frame) {
        const auto wanted = read<protocol::consume_directly_request>(from, frame);
        if (!wanted)
            return;
        if (const auto* member = find_or_refuse(from, frame, wanted->consumer_group))
            member->consume_directly(member->self, frame.body, wanted->broker_name, answer_of(from, frame));
    }

    static request_answer answer_of(Connection& from, const received_frame& frame) {
        return {.connection = from.weak_from_this(),
                .opaque     = frame.header.opaque,
                .send       = [](void* to, std::int32_t opaque, response_code code, std::string_view remark,
                           std::string_view body) {
                    static_cast<Connection*>(to)->respond(opaque, code, remark, protocol::no_fields{}, body);
                }};
    }

    template <class Request>
    static result<Request> read(Connection& from, const received_frame& frame) {
        auto wanted = protocol::read_fields<Request>(frame.header);
        if (!wanted)
            from.respond(frame, response_code::system_error, "a field of the request is missing or not valid",
                         protocol::no_fields{});
        return wanted;
    }

    const group_member* find(const std::string& group) const {
        const auto found = members_.find(group);
        return found == members_.end() ? nullptr : &found->second;
    }
    const group_member* find_or_refuse(Connection& from, const received_frame& frame, const std::string& group) const {
        const auto* found = find(group);
        if (!found)
            from.respond(frame, response_code::system_error,
                         "The Consumer Group <" + group + "> not exist in this consumer", protocol::no_fields{});
        return found;
    }

    members_type& members_;
};

} // namespace rocketpush

#endif
