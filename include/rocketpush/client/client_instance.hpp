#ifndef ROCKETPUSH_CLIENT_CLIENT_INSTANCE_HPP
#define ROCKETPUSH_CLIENT_CLIENT_INSTANCE_HPP

#include <rocketpush/client/broker_requests.hpp>
#include <rocketpush/client/client_settings.hpp>
#include <rocketpush/client/group_member.hpp>
#include <rocketpush/client/name_server_watch.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/lasting_duty.hpp>
#include <rocketpush/detail/local_address.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/detail/wait_group.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/remoting/access_control.hpp>
#include <rocketpush/remoting/backoff.hpp>
#include <rocketpush/remoting/broker_calls.hpp>
#include <rocketpush/remoting/connection_pool.hpp>
#include <rocketpush/remoting/name_servers.hpp>
#include <rocketpush/remoting/route_table.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief What the consumers of a process share: connections, routes, heartbeats, and the requests that brokers send.
 *
 * It lives as long as a consumer or a `client` handle uses it. Its duties are coroutines of their own, so a broker that is
 * away delays nobody else: routes are polled every 30 s, and every 1 to 2 s while one is missing or may be; heartbeats go to all
 * brokers side by side every 30 s, and to a broker as the first thing on each new connection.
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `MQClientInstance`.
 */
template <transport Transport, runtime Runtime>
class client_instance : public std::enable_shared_from_this<client_instance<Transport, Runtime>> {
  public:
    using executor_type   = typename Runtime::executor_type;
    using pool_type       = connection_pool<Transport, Runtime>;
    using connection_type = typename pool_type::connection_type;
    using calls_type      = broker_calls<Transport, Runtime>;
    using milliseconds    = std::chrono::milliseconds;
    using time_point      = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    client_instance(client_settings settings, Transport transport, Runtime runtime)
        : settings_(std::move(settings)),
          runtime_(std::move(runtime)),
          watch_(make_watch(transport)),
          pool_(runtime_, std::move(transport), settings_.max_frame_size, settings_.connect_timeout, events(),
                settings_.namespace_v2, settings_.credentials),
          name_servers_(pool_, settings_.name_servers, runtime_.random(), settings_.request_timeout),
          calls_(pool_, routes_, settings_.request_timeout),
          routes_due_(runtime_),
          heartbeat_due_(runtime_),
          lost_one_(runtime_),
          local_ip_(settings_.client_ip) {}

    const client_settings& settings() const noexcept { return settings_; }
    Runtime& runtime() noexcept { return runtime_; }
    calls_type& calls() noexcept { return calls_; }
    const std::shared_ptr<detail::block_pool>& blocks() noexcept { return pool_.blocks(); }
    const route_table& routes() const noexcept { return routes_; }
    const access_denial& last_denial() const noexcept { return pool_.last_denial(); }

    /// Then all that is held is that one's.
    bool has_one_consumer() const noexcept { return members_.size() <= 1; }

    /// `ip@instance[@unit]`, from the first call on. The ip is the option's, or that of the first connection; where there is none yet, as
    /// with a cluster that is away at the start, the one that Java's client would take: members of several machines must not be twins.
    const std::string& client_id() {
        if (client_id_.empty())
            client_id_ = make_client_id(local_ip_.empty() ? detail::java_local_address() : local_ip_,
                                        settings_.instance_name, settings_.unit_name, runtime_.random());
        return client_id_;
    }

    /**
     * @brief Takes a consumer in: fetches the routes of `topics`, then tells their brokers of the new member.
     *
     * A cluster that is away is no failure: the duties go on asking.
     *
     * @retval error::group_in_use          Another consumer of this group is here.
     * @param check  Nothing, or what gives an awaitable of a code: asked when the routes are known and no broker knows the
     *               member yet. Its failure is ours, and the member is not taken in.
     * @retval error::operation_cancelled   `leave` came meanwhile.
     * @retval response_code::no_permission  Every broker that answered denies us access.
     * @retval a resolver's error           None of the name servers' hosts can be resolved, or not that of the look-up.
     * @retval one of is_certificate_error  None of the name servers' certificates is accepted.
     */
    template <class Check = std::nullptr_t>
    task<std::error_code> join(group_member member, std::vector<std::string> topics, Check check = nullptr) {
        const auto self = this->shared_from_this();
        if (closed_)
            co_return error::already_stopped;
        const auto group = member.group;
        if (!members_.emplace(group, std::move(member)).second)
            co_return error::group_in_use;
        if (watch_) {
            co_await watch_->first_answer(self);
            if (!has_name_servers() && is_resolver_error(watch_->failure())) {
                leave_unsaid(group);
                co_return watch_->failure();
            }
        }
        for (const auto& topic : topics) {
            if (closed_)
                break;
            watch(topic);
            const auto failure = co_await refresh(topic);
            if (is_hopeless(failure)) {
                leave_unsaid(group);
                co_return failure;
            }
        }
        if constexpr (!std::is_null_pointer_v<Check>) {
            const auto failure = co_await check();
            if (failure) {
                leave_unsaid(group);
                co_return failure;
            }
        }
        const auto joined = members_.find(group);
        if (joined == members_.end()) {
            forget_unwanted_topics();
            co_return error::operation_cancelled;
        }
        joined->second.announced = true;
        const auto before        = beats_;
        co_await heartbeat(group);
        if (beats_.denied != before.denied && beats_.accepted == before.accepted) {
            leave_unsaid(group);
            co_return response_code::no_permission;
        }
        begin_duties();
        co_return std::error_code();
    }

    /// Takes a consumer out, and has all brokers forget it; ends the client with its last user.
    task<void> leave(std::string group) {
        const auto self = this->shared_from_this();
        if (members_.erase(group) == 0)
            co_return;
        try {
            const auto told = std::make_shared<detail::wait_group<Runtime>>(runtime_);
            for (const auto& broker : routes_.all_addresses())
                if (pool_.find(broker)) // only where we are connected are we registered
                    told->spawn(unregister(self, broker, group));
            co_await told->wait();
            forget_unwanted_topics();
        } catch (...) { // no memory: heartbeats, or the end of the connection, tell the brokers
        }
        close_if_unused();
    }

    /// The same without a word to anybody, for one that could not join, or for want of memory: a broker that knows of it learns it from
    /// heartbeats, or the end of the connection.
    void leave_unsaid(const std::string& group) {
        members_.erase(group);
        forget_unwanted_topics();
        close_if_unused();
    }

    /// Keeps what a consumer leaves behind that a listener may still be at: frames are counted on the strand, so they cannot end
    /// in whatever thread lets go of them last. Ends with the client.
    void keep(std::shared_ptr<void> left_behind) { left_behind_.push_back(std::move(left_behind)); }

    /// A `client` handle keeps the instance open without consumers.
    void hold() noexcept { ++handles_; }
    void release() {
        --handles_;
        close_if_unused();
    }

    /// Subscribes the client to a topic's route; it is asked for at once if `refresh` is not called first.
    void watch(const std::string& topic) {
        if (topics_.try_emplace(topic).second)
            routes_due_.wake();
    }
    /// Lets go of the routes that no consumer subscribes any more.
    void forget_unwanted_topics() {
        std::erase_if(topics_, [this](const auto& watched) {
            const bool wanted = std::ranges::any_of(
                members_, [&](const auto& each) { return each.second.wants(each.second.self, watched.first); });
            if (!wanted)
                routes_.forget(watched.first);
            return !wanted;
        });
    }

    /// `watch` and `refresh` in one.
    task<std::error_code> refresh_now(std::string topic) {
        topics_.try_emplace(topic);
        return refresh(std::move(topic));
    }

    /// Asks for a topic's route now, and again later as its state needs.
    task<std::error_code> refresh(std::string topic) {
        const auto self = this->shared_from_this();
        if (const auto asked = topics_.find(topic); asked != topics_.end()) { // the duty need not ask too
            asked->second.asked      = true;
            asked->second.last_asked = runtime_.now();
            asked->second.due        = runtime_.now() + settings_.route_poll_interval;
        }
        auto answer      = co_await name_servers_.route(topic, self);
        const auto found = topics_.find(topic);
        if (found == topics_.end() || closed_)
            co_return error::operation_cancelled;
        route_watch& state = found->second;
        if (answer) {
            const bool changed = routes_.update(topic, *answer);
            const bool first   = state.first == time_point::max();
            const bool young   = is_young(state) && !is_retry_topic(topic) && !routes_.is_static(topic);
            const bool whole =
                is_whole(state, *answer) && !young && routes_.is_led(topic) && !routes_.is_uncertain(topic);
            state.misses = 0;
            state.due    = runtime_.now() + (whole ? settings_.route_poll_interval
                                                   : std::min(milliseconds(2000), settings_.route_poll_interval));
            if (!changed)
                co_return std::error_code();
            if (!first)
                look_at_others(topic);
            if (on_duty_ && has_strangers()) // who must know us before they are asked who is a member
                co_await heartbeat();
            tell(&group_member::route_changed, topic, routes_.queues(topic).size());
            co_return std::error_code();
        }
        const bool nobody_answers = answer.error() == error::name_servers_unreachable;
        const auto failure        = nobody_answers ? name_servers_.last_failure() : answer.error();
        if (nobody_answers && watch_)
            watch_->ask_soon();
        // A retry topic that is not there after a minute may never come: nothing has failed. Heartbeats have it looked for too.
        const bool patient = state.misses > 30 && is_retry_topic(topic);
        const auto retry   = milliseconds(state.misses == 0 ? 1000 : 2000);
        ++state.misses;
        state.due =
            runtime_.now() + (patient ? settings_.route_poll_interval : std::min(retry, settings_.route_poll_interval));
        tell(&group_member::route_failure, topic, failure);
        co_return failure;
    }

    /// The route of a static topic is wrong: it is asked for at once, but not more than once a second for all who say so.
    void route_doubted(const std::string& topic) {
        const auto found = topics_.find(topic);
        if (found == topics_.end())
            return;
        routes_.doubt(topic);
        route_watch& state = found->second;
        const auto soonest = state.last_asked + milliseconds(1000);
        if (state.due > soonest) {
            state.due = soonest;
            routes_due_.wake();
        }
    }

    /**
     * @brief Tells every broker of every route of our groups, side by side. Waits for their answers, but not long: one
     *        that is away must not keep the others' queues waiting, and is greeted when it comes back.
     * @param only  The group that has news; empty: all of them. What a broker is not told of it keeps as it is, so that the start of
     *              the 200th group costs no more than that of the first.
     */
    task<void> heartbeat(std::string only) {
        const auto self  = this->shared_from_this();
        const auto beats = std::make_shared<detail::wait_group<Runtime>>(runtime_);
        ++news_;
        for (const auto& broker : routes_.all_addresses())
            beats->spawn(heartbeat_to(self, broker, only, news_));
        co_await beats->wait_until(runtime_.now() + milliseconds(1000));
        ask_for_missing_routes();
    }

    task<void> heartbeat() { return heartbeat(std::string()); }

    /**
     * @brief Asks these name servers from now on. Connections to those that are gone end, routes are asked for at once, the
     *        consumers hear of it. The same list does nothing.
     * @param list  Not empty. @return Whether it is another one.
     */
    bool replace_name_servers(std::vector<endpoint> list) {
        const auto before = name_servers_.list();
        if (!name_servers_.replace(std::move(list), runtime_.random()))
            return false;
        const auto& now    = name_servers_.list();
        const auto brokers = routes_.all_addresses();
        for (const auto& each : before)
            if (std::ranges::find(now, each) == now.end() && std::ranges::find(brokers, each) == brokers.end())
                pool_.drop(each);
        for (auto& [topic, state] : topics_)
            state.due = std::min(state.due, runtime_.now());
        routes_due_.wake();
        tell(&group_member::name_servers_changed, now);
        return true;
    }

    const std::vector<endpoint>& name_server_list() const noexcept { return name_servers_.list(); }
    bool has_name_servers() const noexcept { return !name_servers_.list().empty(); }

    /// A look-up of name servers gave no list: what we have stays in use.
    void lookup_failed(std::error_code why) {
        if (!has_name_servers())
            name_servers_.set_unknown(why);
        tell(&group_member::name_server_lookup_failure, to_string(watch_->url()), why);
    }

    /// Whether we have connected to this peer anew of late: it may not have heard of our former connection's end.
    bool came_again_within(const endpoint& peer, std::chrono::seconds time) const {
        const auto found = came_again_.find(peer);
        return found != came_again_.end() && found->second && runtime_.now() - *found->second < time;
    }

    /// Brings the next heartbeat forward; for a changed subscription.
    void heartbeat_soon() { heartbeat_at(runtime_.now()); }

  private:
    using watch_type = name_server_watch<client_instance, Transport, Runtime>;

    /// Null: the name servers were given.
    std::unique_ptr<watch_type> make_watch(const Transport& transport) {
        const auto url = parse_http_url(settings_.name_server_url);
        if (!url)
            return nullptr;
        return std::make_unique<watch_type>(runtime_, transport, url_of_unit(*url, settings_.unit_name),
                                            settings_.request_timeout, settings_.lookup_interval);
    }

    struct route_watch {
        time_point due{};
        time_point last_asked{};
        int misses       = 0;
        bool asked       = false;
        std::size_t most = 0;                 ///< Addresses that the route had at its best.
        time_point less_since{};              ///< When it was seen to have fewer.
        time_point first = time_point::max(); ///< When there was one at all.
    };

    /// Whether a broker may be missing of which we do not know: it was away when the first route came. The other members do know, and
    /// while routes differ queues are read by two. (A static topic's are not: its brokers change who leads a queue, not how many there
    /// are, and an older route of it is believed once it was told often.)
    bool is_young(route_watch& state) const {
        constexpr std::chrono::minutes return_of_a_broker{2};
        state.first = std::min(state.first, runtime_.now());
        return runtime_.now() - state.first < return_of_a_broker;
    }

    /// A topic's route has changed: those of the others are asked for soon, for it may be a broker that came or went.
    void look_at_others(const std::string& changed) {
        for (auto& [topic, state] : topics_)
            if (topic != changed)
                state.due = std::min(state.due, state.last_asked + milliseconds(1000));
        routes_due_.wake();
    }

    /// Whether no broker is missing from a route, as far as we know: one that went comes back soon, or never.
    bool is_whole(route_watch& state, const protocol::route_data& route) const {
        constexpr std::chrono::minutes patience{10};
        std::size_t addresses = 0;
        for (const auto& each : route.broker_datas)
            addresses += each.broker_addrs.size();
        const auto now = runtime_.now();
        if (addresses >= state.most) {
            state.most       = addresses;
            state.less_since = time_point::max();
        } else {
            state.less_since = std::min(state.less_since, now);
            if (now - state.less_since > patience)
                state.most = addresses;
        }
        return addresses >= state.most;
    }

    template <class... Parameters, class... Arguments>
    void tell(void (*group_member::*what)(void*, Parameters...), const Arguments&... arguments) {
        for (auto& [group, member] : members_)
            (member.*what)(member.self, arguments...);
    }

    pool_events<connection_type> events() {
        static constexpr auto here = [](void* host) -> client_instance& {
            return *static_cast<client_instance*>(host);
        };
        return {
            .host       = this,
            .greet      = [](void* host,
                        std::shared_ptr<connection_type> fresh) { return here(host).greet(std::move(fresh)); },
            .on_request = [](void* host, connection_type& from,
                             const received_frame& frame) { here(host).on_request(from, frame); },
            .on_connect = [](void* host, const endpoint& peer, std::error_code ec) { here(host).on_connect(peer, ec); },
            .on_closed =
                [](void* host, connection_type& lost, std::error_code why) {
                    const bool knew_us = here(host).told_.erase(lost.peer()) != 0;
                    if (why == error::operation_cancelled)
                        return;
                    if (knew_us)
                        here(host).come_back_to(lost.peer());
                    here(host).tell(&group_member::disconnected, lost.peer(), why);
                },
        };
    }

    /// The first request on a connection to a broker: it must know our groups before the first pull comes.
    task<std::error_code> greet(std::shared_ptr<connection_type> fresh) {
        const auto self = this->shared_from_this();
        if (local_ip_.empty())
            learn_local_ip(*fresh);
        if (const auto [known, is_first] = came_again_.try_emplace(fresh->peer()); !is_first)
            known->second = runtime_.now();
        const auto brokers = routes_.all_addresses();
        if (std::ranges::none_of(members_, [](const auto& each) { return each.second.announced; }) ||
            std::ranges::find(brokers, fresh->peer()) == brokers.end())
            co_return std::error_code();
        const auto body = heartbeat_body();
        const auto news = news_;
        const protocol::heartbeat_request request;
        const auto [ec, frame] =
            co_await fresh->async_request(request, body, settings_.request_timeout, detail::await_tuple<executor_type>);
        if (ec)
            co_return ec;
        if (static_cast<response_code>(frame.header.code) == response_code::go_away)
            co_return response_code::go_away; // it shuts down still: as good as not connected
        told_[fresh->peer()] = news;          // a refusal is told once more in a second, of all groups
        if (static_cast<response_code>(frame.header.code) == response_code::success) {
            ++beats_.accepted;
            tell(&group_member::members_changed); // it knows us from now on, and may have members that we do not know
        } else {
            heartbeat_refused(fresh->peer(), static_cast<response_code>(frame.header.code));
        }
        co_return std::error_code();
    }

    void heartbeat_at(time_point at) {
        next_heartbeat_ = std::min(next_heartbeat_, std::max(at, beats_.not_before));
        heartbeat_due_.wake();
    }

    /// Until the next regular one the broker would know nothing of us.
    void heartbeat_refused(const endpoint& broker, std::error_code why) {
        if (why == response_code::no_permission) {
            ++beats_.denied;
            beats_.not_before = runtime_.now() + denied_delay; // whoever wants one before: it would be denied too
        }
        tell(&group_member::heartbeat_failure, broker, why);
        heartbeat_at(runtime_.now() + milliseconds(1000));
    }

    /// The address by which we reach the cluster is the one to be known by.
    void learn_local_ip(connection_type& through) {
        if constexpr (requires { through.local_endpoint().host; })
            local_ip_ = through.local_endpoint().host;
    }

    void on_connect(const endpoint& peer, std::error_code failure) {
        if (failure == error::operation_cancelled) // by us
            return;
        tell(&group_member::connect_ended, peer, failure);
        if (failure) // a broker is away: its routes may be changing
            for (auto& [topic, state] : topics_)
                state.due = std::min(state.due, runtime_.now() + milliseconds(1500));
        if (failure)
            routes_due_.wake();
    }

    void on_request(connection_type& from, const received_frame& frame) {
        broker_requests<connection_type>(members_).answer(from, frame);
    }

    std::string heartbeat_body(const std::string& only = {}) {
        protocol::heartbeat_data data;
        data.client_id = client_id();
        for (auto& [group, member] : members_)
            if (member.announced && (only.empty() || only == group))
                data.consumers.push_back(member.describe(member.self));
        return protocol::encode(data);
    }

    /// @param news  How many there were when this was asked for.
    static task<void> heartbeat_to(std::shared_ptr<client_instance> self, endpoint broker, std::string only,
                                   std::uint64_t news) {
        if (!self->pool_.find(broker)) {                          // opening the connection sends it
            const auto opened = co_await self->pool_.get(broker); // a failure was told as that of the connection
            if (!opened || self->closed_)
                co_return;
            // Somebody else's opening may have sent it before there was our news.
            const auto told = self->told_.find(broker);
            if (told != self->told_.end() && told->second >= news)
                co_return;
        }
        if (!self->told_.contains(broker))
            only.clear();
        auto body          = self->heartbeat_body(only);
        const auto sent    = self->news_;
        const auto failure = co_await self->calls_.heartbeat(broker, std::move(body));
        if (failure)
            self->heartbeat_refused(broker, failure);
        else if (++self->beats_.accepted; only.empty())
            self->told_[std::move(broker)] = sent;
    }

    /// Whether there is a broker that was never told of us: one that we had no route to, or that was only a name server to us.
    bool has_strangers() const {
        return std::ranges::any_of(routes_.all_addresses(),
                                   [this](const endpoint& broker) { return !told_.contains(broker); });
    }

    static task<void> unregister(std::shared_ptr<client_instance> self, endpoint broker, std::string group) {
        // An answer is all that is waited for: a broker that cannot give one notices our closed connection.
        co_await self->calls_.unregister(std::move(broker), self->client_id(), std::move(group));
    }

    /// The first heartbeat makes brokers create retry topics; waiting for the usual poll would delay the first retry.
    void ask_for_missing_routes() {
        for (auto& [topic, state] : topics_)
            if (state.misses > 0)
                state.due = std::min(state.due, runtime_.now() + milliseconds(1000));
        routes_due_.wake();
    }

    void begin_duties() {
        if (std::exchange(on_duty_, true))
            return;
        for (const auto duty : {&poll_routes, &beat, &come_back})
            asio::co_spawn(runtime_.get_executor(), detail::lasting_duty(runtime_, this->shared_from_this(), duty),
                           asio::detached);
    }

    static task<void> poll_routes(std::shared_ptr<client_instance> self) {
        while (!self->closed_) {
            std::vector<std::string> due;
            auto next = self->runtime_.now() + self->settings_.route_poll_interval;
            for (const auto& [topic, state] : self->topics_)
                if (!state.asked || state.due <= self->runtime_.now())
                    due.push_back(topic);
                else
                    next = std::min(next, state.due);
            for (auto& topic : due) {
                if (self->closed_)
                    co_return;
                co_await self->refresh(std::move(topic));
            }
            if (due.empty())
                co_await self->routes_due_.wait_until(next);
        }
    }

    static task<void> beat(std::shared_ptr<client_instance> self) {
        self->heartbeat_at(self->runtime_.now() + self->settings_.heartbeat_interval);
        while (!self->closed_) {
            if (self->runtime_.now() < self->next_heartbeat_) {
                co_await self->heartbeat_due_.wait_until(self->next_heartbeat_);
                continue;
            }
            self->next_heartbeat_ = self->runtime_.now() + self->settings_.heartbeat_interval;
            co_await self->heartbeat();
        }
    }

    void come_back_to(const endpoint& broker) {
        lost_.insert(broker);
        lost_one_.wake();
    }

    /**
     * Connects at once to brokers that had us and lost the connection, whether or not anybody needs one: to such a broker we are
     * gone, and whoever asks it for the members takes our queues over, those of other brokers too. Java waits for the next heartbeat.
     */
    static task<void> come_back(std::shared_ptr<client_instance> self) {
        while (!self->closed_) {
            const auto brokers = self->routes_.all_addresses();
            std::erase_if(self->lost_, [&](const endpoint& broker) {
                return self->pool_.find(broker) || std::ranges::find(brokers, broker) == brokers.end();
            });
            if (self->lost_.empty()) {
                co_await self->lost_one_.wait_until(time_point::max());
                continue;
            }
            for (const auto& broker : std::vector(self->lost_.begin(), self->lost_.end())) // opening sends a heartbeat
                asio::co_spawn(self->runtime_.get_executor(), open(self, broker), asio::detached);
            co_await self->lost_one_.wait_until(self->runtime_.now() + milliseconds(1000));
        }
    }
    static task<void> open(std::shared_ptr<client_instance> self, endpoint broker) {
        [[maybe_unused]] const auto opened =
            co_await self->pool_.get(std::move(broker)); // a failure is told as the connection's
    }

    void close_if_unused() {
        if (!members_.empty() || handles_ != 0 || std::exchange(closed_, true))
            return;
        routes_due_.wake();
        heartbeat_due_.wake();
        lost_one_.wake();
        if (watch_)
            watch_->close();
        pool_.close();
    }

    client_settings settings_;
    Runtime runtime_;
    route_table routes_;
    std::unique_ptr<watch_type> watch_;
    pool_type pool_;
    name_servers<Transport, Runtime> name_servers_;
    calls_type calls_;
    detail::wake_up<Runtime> routes_due_;
    detail::wake_up<Runtime> heartbeat_due_;
    detail::wake_up<Runtime> lost_one_;
    std::set<endpoint> lost_; ///< Brokers that knew us on a connection that was lost.
    std::map<std::string, group_member> members_;
    std::vector<std::shared_ptr<void>> left_behind_;
    std::map<std::string, route_watch> topics_;
    std::map<endpoint, std::uint64_t>
        told_; ///< Brokers that know us on their connection, and `news_` when they were told of all.
    std::map<endpoint, std::optional<time_point>> came_again_; ///< When a peer was connected to again, if it was.
    std::uint64_t news_ = 0;                                   ///< Grows with each heartbeat that is asked for.
    struct {
        std::uint64_t accepted = 0, denied = 0; ///< By brokers, so far.
        time_point not_before{};                ///< After one that was denied.
    } beats_;
    std::string local_ip_;
    std::string client_id_;
    time_point next_heartbeat_ = time_point::max();
    std::size_t handles_       = 0;
    bool on_duty_              = false;
    bool closed_               = false;
};

} // namespace rocketpush

#endif
