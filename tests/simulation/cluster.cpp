#include "tests/simulation/cluster.hpp"

#include <rocketpush/core/names.hpp>

#include <fmt/ranges.h>

#include <utility>

namespace rocketpush::simulation {

using namespace std::chrono_literals;
using protocol::request_code;

cluster::cluster(stage& on) : stage_(on) {
    const auto& made = stage_.made;
    for (int i = 0; i < made.topics; ++i)
        topics_.push_back(fmt::format("topic-{}", i));
    for (int i = 0; i < made.name_servers; ++i)
        names_.push_back(std::make_unique<name_server>(stage_.runtime, stage_.net, fmt::format("names-{}", i)));
    for (int i = 0; i < made.brokers; ++i) {
        embedded::broker_options with;
        with.name   = fmt::format("broker-{}", i);
        with.listen = {with.name, 10911};
        if (made.slaves)
            with.slave_listen = endpoint{with.name + "-slave", 10911};
        if (made.version_4) {
            with.version  = embedded::version_4_9_7;
            with.encoding = embedded::answer_encoding::as_request;
        }
        brokers_.push_back(make_broker(stage_.runtime, stage_.net, with));
        auto& one = *brokers_.back();
        for (const auto& topic : topics_) {
            one.create_topic(topic, made.queues);
            if (made.how == consuming::by_pops)
                one.set_request_mode(topic, group, embedded::reading_mode{.mode = protocol::request_mode::pop});
        }
        for (auto& each : names_)
            each->add(one);
    }
    stage_.runtime.run_ready();
}

cluster::~cluster() {
    brokers_.clear();
    stage_.runtime.run_ready();
}

std::string cluster::name_servers() const {
    std::string all;
    for (const auto& each : names_)
        all += (all.empty() ? "" : ";") + to_string(each->address());
    return all;
}

sim_broker& cluster::broker_of(const message_queue& queue) {
    for (auto& each : brokers_)
        if (each->address().host == queue.broker_name)
            return *each;
    throw violation{"a queue of a broker that is none of the world: " + to_string(queue)};
}

std::optional<stored_place> cluster::send(const std::string& body) {
    auto& to        = any_broker();
    const auto host = to.address().host;
    if (stage_.net->state(host) == line_state::refusing || without_master_.contains(host))
        return std::nullopt;
    const auto& topic = stage_.dice.one_in(topics_);
    const auto sent   = to.send(topic, body, {.queue = stage_.dice.between(0, stage_.made.queues - 1)});
    return stored_place{{topic, host, sent.queue_id}, sent.offset};
}

void cluster::flush_offsets() {
    for_each_queue([&](const message_queue& queue) { flushed_[queue] = committed(queue); });
}

void cluster::crash_broker() {
    auto& who       = any_broker();
    const auto host = who.address().host;
    if (stage_.net->state(host) != line_state::open)
        return;
    stage_.note("{} crashes", host);
    stage_.net->set(host, line_state::refusing);
    stage_.after(stage_.dice.between(100ms, 40'000ms), [this, &who, host] {
        stage_.note("{} is there again", host);
        stage_.net->set(host, line_state::open);
        free_locks(who); // it does not write them down
        if (stage_.made.how == consuming::by_pops || stage_.made.how == consuming::everywhere || !stage_.dice.happens(0.5))
            return;
        for (const auto& [queue, offset] : flushed_)
            if (queue.broker_name == host && offset < committed(queue)) {
                stage_.note("the offset of {} is {} again", to_string(queue), offset);
                rolled_back_.insert(queue);
                roll_back(stage_.runtime, stage_.net, who.address(), group, queue.topic, queue.queue_id, offset);
            }
    });
}

void cluster::pause_broker() {
    auto& who = any_broker();
    stage_.note("{} stands still", who.address().host);
    who.pause();
    stage_.after(stage_.dice.between(100ms, 20'000ms), [&who] { who.resume(); });
}

void cluster::lose_master() {
    auto& who       = any_broker();
    const auto host = who.address().host;
    if (!without_master_.insert(host).second)
        return;
    stage_.note("the master of {} is lost", host);
    for_each_queue([&](const message_queue& queue) {
        if (queue.broker_name == host)
            rolled_back_.insert(queue);
    });
    who.lose_master();
    stage_.after(stage_.dice.between(1'000ms, 90'000ms), [this, &who, host] {
        if (without_master_.erase(host) == 0)
            return;
        stage_.note("the master of {} is there again", host);
        who.restore_master();
    });
}

void cluster::favour_slave() {
    auto& who      = any_broker();
    const auto lag = stage_.dice.one_of({0, 1, 5, 50});
    stage_.note("{} sends its clients to the slave, which lags by {}", who.address().host, lag);
    who.lag_slave(lag);
    who.suggest_slave();
    stage_.after(stage_.dice.between(1'000ms, 60'000ms), [&who] { who.suggest_slave(false); });
    stage_.after(stage_.dice.between(1'000ms, 90'000ms), [&who] { who.lag_slave(0); });
}

void cluster::add_fault(sim_broker& to, const embedded::fault& wanted) {
    const auto id = to.add_fault(wanted);
    stage_.after(stage_.dice.between(500ms, 30'000ms), [&to, id] { to.clear_fault(id); });
}

void cluster::answer_instead(sim_broker& of, request_code asked, double rate, embedded::fault_action::refuse answer) {
    embedded::fault wanted;
    wanted.codes  = {asked};
    wanted.rate   = rate;
    wanted.action = std::move(answer);
    add_fault(of, wanted);
}

void cluster::wrong_answers() {
    using namespace embedded::fault_action;
    auto& dice = stage_.dice;
    auto& who  = any_broker();
    embedded::fault wanted;
    wanted.codes  = {dice.one_of({request_code::pull_message, request_code::update_consumer_offset, request_code::query_consumer_offset,
                                  request_code::heart_beat, request_code::consumer_send_back, request_code::get_consumer_list,
                                  request_code::lock_batch, request_code::unlock_batch, request_code::get_max_offset,
                                  request_code::get_min_offset, request_code::unregister_client, request_code::pop_message,
                                  request_code::ack_message, request_code::batch_ack_message, request_code::change_invisible_time,
                                  request_code::query_assignment})};
    wanted.rate   = dice.one_of({0.2, 0.5, 1.0});
    wanted.action = dice.one_of<any>({refuse{}, lose_request{}, lose_answer{}, deny{}, delay{dice.between(100ms, 10'000ms)}, close_before{},
                                      close_after{}, answer_twice{}, wrong_opaque{}, garble{}});
    stage_.note("{} answers {} wrongly, kind {}, rate {}", who.address().host, static_cast<int>(wanted.codes[0]), wanted.action.index(),
                wanted.rate);
    add_fault(who, wanted);
}

void cluster::damage_messages() {
    auto& dice = stage_.dice;
    auto& who  = any_broker();
    embedded::fault wanted;
    wanted.codes  = {request_code::pull_message, request_code::pop_message};
    wanted.rate   = dice.one_of({0.1, 1.0});
    wanted.action = embedded::fault_action::damage_message{};
    if (stage_.made.when_bad == bad_message::skip) // of a retry topic nobody could tell which one is passed over
        wanted.topic = dice.one_in(topics_);
    stage_.note("messages of {} are damaged, rate {}", who.address().host, wanted.rate);
    add_fault(who, wanted);
}

void cluster::wrong_member_list(const std::vector<std::string>& client_ids) {
    auto& who = any_broker();
    std::string listed;
    for (const auto& each : client_ids)
        listed += (listed.empty() ? "\"" : ",\"") + each + '"';
    stage_.note("{} says that the members are {}", who.address().host, fmt::join(client_ids, ", "));
    answer_instead(who, request_code::get_consumer_list, 1.0,
                   {.code = response_code::success, .remark = {}, .fields = {}, .body = "{\"consumerIdList\":[" + listed + "]}"});
}

void cluster::refuse_locks() {
    auto& who = any_broker();
    stage_.note("{} refuses locks", who.address().host);
    answer_instead(who, request_code::lock_batch, stage_.dice.one_of({0.3, 1.0}),
                   {.code = response_code::success, .remark = {}, .fields = {}, .body = "{\"lockOKMQSet\":[]}"});
}

void cluster::refuse_offsets() {
    auto& who = any_broker();
    stage_.note("{} refuses offsets", who.address().host);
    answer_instead(who, request_code::pull_message, stage_.dice.one_of({0.1, 0.5}),
                   {.code   = response_code::pull_offset_moved,
                    .remark = {},
                    .fields = {{"suggestWhichBrokerId", "0"}, {"nextBeginOffset", "0"}, {"minOffset", "0"}, {"maxOffset", "0"}},
                    .body   = {}});
}

void cluster::storm_of_notices() {
    auto& who        = any_broker();
    const auto times = stage_.dice.between(10, 300);
    stage_.note("{} gives notice {} times", who.address().host, times);
    for (int i = 0; i < times; ++i)
        stage_.after(i * 10ms, [&who] { who.notify_members(group); });
}

void cluster::free_locks(sim_broker& of) {
    locks_freed_[of.address().host] = stage_.runtime.now();
    of.expire_locks(group);
}

bool cluster::freed_locks(const message_queue& queue) const {
    const auto found = locks_freed_.find(queue.broker_name);
    return found != locks_freed_.end() && stage_.runtime.now() - found->second <= 31s;
}

void cluster::expire_locks() {
    auto& who = any_broker();
    stage_.note("the locks of {} expire", who.address().host);
    free_locks(who);
}

void cluster::wrong_routes() {
    auto& who       = *stage_.dice.one_in(names_);
    const auto what = stage_.dice.one_of({opinion::stale, opinion::empty, opinion::without_first});
    stage_.note("{} says wrong routes, kind {}", who.address().host, static_cast<int>(what));
    who.say(what);
    stage_.after(stage_.dice.between(500ms, 60'000ms), [&who] { who.say(opinion::right); });
}

void cluster::lose_name_server() {
    const auto host = stage_.dice.one_in(names_)->address().host;
    if (stage_.net->state(host) != line_state::open)
        return;
    stage_.note("{} is away", host);
    stage_.net->set(host, stage_.dice.one_of({line_state::refusing, line_state::dead}));
    stage_.after(stage_.dice.between(500ms, 60'000ms), [this, host] { stage_.net->set(host, line_state::open); });
}

void cluster::make_peace() {
    for (auto& each : names_) {
        each->say(opinion::right);
        stage_.net->set(each->address().host, line_state::open);
    }
    for (auto& each : brokers_) {
        each->clear_faults();
        each->resume();
        if (without_master_.erase(each->address().host) != 0)
            each->restore_master();
        each->lag_slave(0);
        each->suggest_slave(false);
        stage_.net->set(each->address().host, line_state::open);
    }
}

} // namespace rocketpush::simulation
