#include "group_member.hpp"

#include <rocketpush/observe/observer.hpp>
#include <rocketpush/push_consumer.hpp>

#include <fmt/format.h>

#include <span>
#include <string_view>
#include <utility>

namespace demo {
namespace {

/// Tells what a person wants to see: who reads which queues, and what goes wrong.
class reporter : public rocketpush::no_observer {
  public:
    reporter(std::string member, news& told) : member_(std::move(member)), told_(&told) {}

    void on_rebalance(const std::string& topic, std::span<const rocketpush::message_queue> all,
                      std::span<const rocketpush::message_queue> own) {
        if (!rocketpush::is_retry_topic(topic))
            told_->tell(fmt::format("{} has {} of {} queues", member_, own.size(), all.size()));
    }
    void on_rebalance_failure(const std::string& topic, std::error_code why) {
        told_->tell(fmt::format("{} cannot share out {}: {}", member_, topic, why.message()));
    }
    void on_connect(const rocketpush::endpoint& peer, std::error_code failure) {
        if (failure)
            told_->tell(fmt::format("{} cannot connect to {}: {}", member_, to_string(peer), failure.message()));
    }
    void on_disconnect(const rocketpush::endpoint& peer, std::error_code why) {
        told_->tell(fmt::format("{} lost the connection to {}: {}", member_, to_string(peer), why.message()));
    }

  private:
    std::string member_;
    news* told_;
};

struct counting_listener {
    tally* all;
    std::atomic<std::uint64_t>* own;

    void operator()(const rocketpush::message_view& message) const {
        all->consumed(message.body());
        ++*own;
    }
};

} // namespace

struct group_member::assembly {
    rocketpush::consumer_of<counting_listener, reporter> consumer;
};

group_member::group_member(std::string name, const std::string& name_servers, const std::string& group,
                           const std::string& topic, tally& counted, news& told)
    : name_(std::move(name)),
      assembly_(new assembly{{rocketpush::options{.name_servers    = name_servers,
                                                  .group           = group,
                                                  .from            = rocketpush::consume_from::first,
                                                  .consume_threads = 2},
                              counting_listener{&counted, &consumed_}, reporter(name_, told)}}) {
    assembly_->consumer.subscribe(topic);
}

group_member::~group_member() = default;

std::error_code group_member::start() {
    std::error_code failure;
    assembly_->consumer.start(failure);
    return failure;
}

std::error_code group_member::leave() {
    std::error_code failure;
    left_ = true;
    assembly_->consumer.stop(failure);
    return failure;
}

std::optional<rocketpush::consumer_statistics> group_member::statistics() {
    if (left_)
        return std::nullopt;
    try {
        return assembly_->consumer.statistics();
    } catch (const std::system_error&) { // it is not running
        return std::nullopt;
    }
}

} // namespace demo
