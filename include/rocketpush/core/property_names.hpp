#ifndef ROCKETPUSH_CORE_PROPERTY_NAMES_HPP
#define ROCKETPUSH_CORE_PROPERTY_NAMES_HPP

#include <string_view>

/**
 * Names of the properties that RocketMQ itself gives a meaning.
 * @par Source  Java `MessageConst`.
 */
namespace rocketpush::property_names {

inline constexpr std::string_view tags                = "TAGS";
inline constexpr std::string_view keys                = "KEYS"; ///< Index keys, separated by a space.
inline constexpr std::string_view unique_key          = "UNIQ_KEY";
inline constexpr std::string_view wait_store          = "WAIT";
inline constexpr std::string_view delay_level         = "DELAY";
inline constexpr std::string_view retry_topic         = "RETRY_TOPIC"; ///< Topic of a message before its first retry.
inline constexpr std::string_view origin_message_id   = "ORIGIN_MESSAGE_ID"; ///< Offset id of the first copy.
inline constexpr std::string_view reconsume_time      = "RECONSUME_TIME";
inline constexpr std::string_view max_reconsume_times = "MAX_RECONSUME_TIMES";
inline constexpr std::string_view real_topic          = "REAL_TOPIC"; ///< Where a parked message goes later.
inline constexpr std::string_view real_queue_id       = "REAL_QID";
inline constexpr std::string_view cluster             = "CLUSTER";
inline constexpr std::string_view region              = "MSG_REGION";
inline constexpr std::string_view trace_on            = "TRACE_ON";
inline constexpr std::string_view transaction_message = "TRAN_MSG";
inline constexpr std::string_view inner_count         = "INNER_NUM";
inline constexpr std::string_view inner_base          = "INNER_BASE";
inline constexpr std::string_view pop_receipt    = "POP_CK"; ///< A receipt handle; see `protocol/receipt_handle.hpp`.
inline constexpr std::string_view first_pop_time = "1ST_POP_TIME"; ///< ms since 1970, the broker's clock.
inline constexpr std::string_view origin_group   = "ORIGIN_GROUP"; ///< The group that a POP retry belongs to.
inline constexpr std::string_view min_offset     = "MIN_OFFSET";   ///< Java adds it after a pull; here an accessor.
inline constexpr std::string_view max_offset     = "MAX_OFFSET";

} // namespace rocketpush::property_names

#endif
