#ifndef ROCKETPUSH_PROTOCOL_CODES_HPP
#define ROCKETPUSH_PROTOCOL_CODES_HPP

#include <cstdint>
#include <string_view>

namespace rocketpush::protocol {

/**
 * @brief What a request asks for.
 * @par Source  Java `RequestCode`.
 */
enum class request_code : std::int32_t {
    send_message                = 10,
    pull_message                = 11,
    query_consumer_offset       = 14,
    update_consumer_offset      = 15,
    update_and_create_topic     = 17,
    search_offset_by_timestamp  = 29,
    get_max_offset              = 30,
    get_min_offset              = 31,
    get_earliest_store_time     = 32,
    view_message_by_id          = 33,
    heart_beat                  = 34,
    unregister_client           = 35,
    consumer_send_back          = 36,
    get_consumer_list           = 38,
    check_transaction_state     = 39, ///< Pushed by a broker, to producers.
    notify_consumer_ids_changed = 40, ///< Pushed by a broker.
    lock_batch                  = 41,
    unlock_batch                = 42,
    check_client_config         = 46,
    get_route_info              = 105,
    get_topic_stats             = 202,
    get_consumer_connections    = 203,
    get_consume_stats           = 208,
    reset_consumer_offset       = 220, ///< Pushed by a broker.
    get_consumer_status         = 221, ///< Pushed by a broker.
    get_consumer_running_info   = 307, ///< Pushed by a broker; who asks it for that is an administrator.
    consume_message_directly    = 309, ///< Pushed by a broker.
    send_message_v2             = 310,
    send_batch_message          = 320,
    push_reply_message          = 326, ///< Pushed by a broker, to producers.
    query_assignment            = 400,
    set_request_mode            = 401,
    pop_message                 = 200050,
    ack_message                 = 200051,
    change_invisible_time       = 200053,
    batch_ack_message           = 200151,
};

/// Bit 0 of a header's flag: this is a response.
inline constexpr std::int32_t response_flag = 1;
/// Bit 1 of a header's flag: nobody waits for a response, not even for an error.
inline constexpr std::int32_t oneway_flag = 2;

/**
 * @brief The version that we tell servers: V5_3_2.
 *
 * From 401 on, name servers answer standard JSON. Above 475, a server that shuts down (of 5.3.2 and later; else above 441)
 * answers everything with GO_AWAY and wants its clients to come again on a new connection, which `connection` and its pool do.
 *
 * @par Source  Java `MQVersion.Version`, by ordinal.
 */
inline constexpr std::int32_t client_version = 477;
/// The same by its name, as consoles show it.
inline constexpr std::string_view client_version_name = "V5_3_2";

/// Who speaks. Admin tools show it. @par Source  Java `LanguageCode`.
enum class language : std::uint8_t { java = 0, cpp = 1, go = 9, rust = 12 };

/// The language's name in a JSON header.
constexpr std::string_view to_string(language code) noexcept {
    switch (code) {
    case language::java: return "JAVA";
    case language::cpp: return "CPP";
    case language::go: return "GO";
    case language::rust: return "RUST";
    }
    return "OTHER";
}

} // namespace rocketpush::protocol

#endif
