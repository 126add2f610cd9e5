#ifndef ROCKETPUSH_ALLOCATION_CONSISTENT_HASH_ALLOCATION_HPP
#define ROCKETPUSH_ALLOCATION_CONSISTENT_HASH_ALLOCATION_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/features.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if ROCKETPUSH_WITH_OPENSSL
#include <openssl/evp.h>
#endif

namespace rocketpush {

/**
 * @brief Where a text lies on the ring: a signed number, as Java's `HashFunction` gives one. Empty: it cannot tell.
 *
 * Pure; all members of a group use the same one.
 */
template <class H>
concept ring_hash = std::copy_constructible<H> && requires(const H& hash, std::string_view text) {
    { hash(text) } -> std::convertible_to<std::optional<std::int64_t>>;
};

/**
 * @brief The first four bytes of a text's MD5 as a big-endian number, 0 to 4294967295.
 *
 * Empty where OpenSSL refuses MD5, as one does that only has what FIPS allows.
 *
 * @par Source  Java `ConsistentHashRouter.MD5Hash`.
 */
struct md5_hash {
    std::optional<std::int64_t> operator()(std::string_view text) const noexcept
#if ROCKETPUSH_WITH_OPENSSL
    {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        if (::EVP_Digest(text.data(), text.size(), digest.data(), nullptr, ::EVP_md5(), nullptr) != 1)
            return std::nullopt;
        std::int64_t head = 0;
        for (std::size_t i = 0; i < 4; ++i)
            head = head << 8 | digest[i];
        return head;
    }
#endif
    ;
};

/**
 * @brief Puts members and queues on a ring by their hashes; a queue belongs to the next member behind it.
 *
 * When a member comes or goes, only queues that it gets or had move: of 64 queues over four members about 16, where
 * average_allocation moves about half. The shares are less even. Each member stands on the ring at several places, its
 * virtual nodes; the more there are, the more even the shares are.
 *
 * @tparam Hash  See ring_hash; `consistent_hash_allocation` is the one with Java's.
 * @par Source   Java `AllocateMessageQueueConsistentHash`, `ConsistentHashRouter`; the same shares. (Go's client hashes
 *               other texts: no group has both.) Differs: no queues is an empty share here, a throw there.
 */
template <ring_hash Hash>
class basic_consistent_hash_allocation {
    static_assert(ROCKETPUSH_WITH_OPENSSL || !std::same_as<Hash, md5_hash>,
                  "consistent_hash_allocation needs MD5, which this build left out with OpenSSL "
                  "(ROCKETPUSH_WITH_OPENSSL); a basic_consistent_hash_allocation with a hash of your own does not");

  public:
    /// @param virtual_nodes  Places of each member on the ring. 0: nobody gets anything, as in Java.
    explicit basic_consistent_hash_allocation(std::size_t virtual_nodes = 10, Hash hash = Hash())
        : virtual_nodes_(virtual_nodes), hash_(std::move(hash)) {}

    static constexpr std::string_view name() noexcept { return "CONSISTENT_HASH"; }

    /**
     * @return The queues whose next place on the ring is one of `request.self`; empty if there are none.
     * @retval error::not_a_member         `request.self` is not among `request.members`.
     * @retval error::unsupported_feature  The hash could not be had: OpenSSL refuses MD5.
     */
    allocation allocate(const allocation_request& request) const {
        if (std::ranges::find(request.members, request.self) == request.members.end())
            return error::not_a_member;
        std::map<std::int64_t, std::string_view> ring; // whose each place is
        for (const auto& member : request.members)
            for (std::size_t i = 0; i < virtual_nodes_; ++i) {
                const std::optional<std::int64_t> place = hash_(member + '-' + std::to_string(i));
                if (!place)
                    return error::unsupported_feature;
                ring.insert_or_assign(*place, member); // two at one place: the later member has it
            }
        std::vector<message_queue> share;
        if (ring.empty())
            return share;
        for (const auto& queue : request.queues) {
            const std::optional<std::int64_t> place = hash_(java_text(queue));
            if (!place)
                return error::unsupported_feature;
            auto next = ring.lower_bound(*place);
            if (next == ring.end())
                next = ring.begin();
            if (next->second == request.self)
                share.push_back(queue);
        }
        return share;
    }

  private:
    /// What Java's `MessageQueue.toString` gives: it is what is hashed.
    static std::string java_text(const message_queue& queue) {
        return "MessageQueue [topic=" + queue.topic + ", brokerName=" + queue.broker_name +
               ", queueId=" + std::to_string(queue.queue_id) + "]";
    }

    std::size_t virtual_nodes_;
    [[no_unique_address]] Hash hash_;
};

/// With Java's hash, so that Java members can be in the group.
using consistent_hash_allocation = basic_consistent_hash_allocation<md5_hash>;

} // namespace rocketpush

#endif
