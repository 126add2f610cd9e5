#include "cluster_view.hpp"

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/wait_group.hpp>
#include <rocketpush/protocol/frame.hpp>
#include <rocketpush/remoting/connection_pool.hpp>
#include <rocketpush/remoting/inspection_calls.hpp>
#include <rocketpush/remoting/name_servers.hpp>
#include <rocketpush/runtime/asio_runtime.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <future>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "chosen_transport.hpp"

namespace rocketcat {

namespace rp       = rocketpush;
namespace protocol = rocketpush::protocol;

namespace {

using executor_type = rp::asio_runtime::executor_type;
using pool_type     = rp::connection_pool<chosen_transport, rp::asio_runtime>;
using waits         = rp::detail::wait_group<rp::asio_runtime>;
template <class T>
using task = rp::detail::awaitable<T, executor_type>;

constexpr std::chrono::milliseconds request_timeout{3000};

/// The replica of each broker that is asked: the master, or who is there in its place.
using broker_list = std::map<std::string, rp::endpoint>;

void add_brokers(broker_list& to, const protocol::route_data& route) {
    for (const auto& broker : route.broker_datas)
        for (const auto& [id, address] : broker.broker_addrs) // the master has the least id
            if (auto parsed = rp::parse_endpoint(address)) {
                to.try_emplace(broker.broker_name, std::move(*parsed));
                break;
            }
}

} // namespace

/// Shared with its coroutines; all but the constructor and `ask` is on the runtime's thread.
class cluster_view::inquiry : public std::enable_shared_from_this<inquiry> {
  public:
    explicit inquiry(const cluster_access& access)
        : pool_(runtime_, chosen_transport(access.tls), protocol::default_frame_limit, request_timeout, {}, {},
                access.credentials),
          name_servers_(pool_, access.name_servers, runtime_.random(), request_timeout),
          calls_(pool_, request_timeout) {
        runtime_.start();
    }

    void end() {
        asio::post(runtime_.get_executor(), [self = shared_from_this()] { self->pool_.close(); });
        runtime_.join(std::chrono::seconds(2));
    }

    /// Runs `question(*this)`, a task, and waits for its answer or what it throws.
    template <class Answer, class Question>
    Answer ask(Question question) {
        auto promise = std::make_shared<std::promise<Answer>>();
        auto answer  = promise->get_future();
        asio::co_spawn(runtime_.get_executor(), answer_to<Answer>(shared_from_this(), question, promise),
                       asio::detached);
        return answer.get();
    }

    task<group_view> group(std::string group, std::vector<std::string> topics, bool owners) {
        broker_list brokers;
        for (const auto& topic : topics) {
            const auto route = co_await route_of(topic);
            if (!route)
                throw view_failure(fmt::format("no name server knows topic {}", topic));
            add_brokers(brokers, *route);
        }
        if (topics.empty()) {
            // Brokers have a group's retry topic from the first heartbeat of a member on.
            const auto route = co_await route_of(rp::retry_topic(group));
            if (!route)
                throw view_failure(
                    fmt::format("no broker knows group {}: nobody has consumed in its name (a broadcasting group's "
                                "offsets are at its members)",
                                group));
            add_brokers(brokers, *route);
            topics.emplace_back();
        }
        group_view view;
        std::size_t answered = 0;
        const auto each      = std::make_shared<waits>(runtime_);
        for (const auto& [name, where] : brokers) {
            for (const auto& topic : topics)
                each->spawn(add_progress(name, where, group, topic, view, answered));
            each->spawn(add_members(where, group, view));
        }
        co_await each->wait();
        if (answered == 0)
            throw view_failure(view.problems.empty() ? fmt::format("group {} has no broker", group)
                                                     : view.problems.front());
        std::ranges::sort(view.queues, {}, [retry = rp::retry_topic(group)](const auto& one) {
            return std::tuple(one.queue.topic == retry, one.queue);
        });
        std::ranges::sort(view.members, {}, &protocol::consumer_connection::client_id);
        if (owners)
            co_await add_owners(brokers, group, view);
        co_return view;
    }

    task<topic_view> topic(std::string topic) {
        auto route = co_await route_of(topic);
        if (!route)
            throw view_failure(fmt::format("no name server knows topic {}", topic));
        topic_view view{.route = std::move(*route)};
        broker_list brokers;
        add_brokers(brokers, view.route);
        std::size_t answered = 0;
        const auto each      = std::make_shared<waits>(runtime_);
        for (const auto& [name, where] : brokers)
            each->spawn(add_extents(name, where, topic, view, answered));
        co_await each->wait();
        if (answered == 0)
            throw view_failure(view.problems.empty() ? fmt::format("topic {} has no broker", topic)
                                                     : view.problems.front());
        std::ranges::sort(view.queues, {}, &protocol::queue_extent::queue);
        co_return view;
    }

  private:
    template <class Answer, class Question>
    static task<void> answer_to(std::shared_ptr<inquiry> self, Question question,
                                std::shared_ptr<std::promise<Answer>> promise) {
        try {
            auto answer = co_await question(*self);
            promise->set_value(std::move(answer));
        } catch (...) {
            promise->set_exception(std::current_exception());
        }
    }

    /// @return Nothing: there is no such topic. @throw view_failure  Nobody could be asked.
    task<std::optional<protocol::route_data>> route_of(std::string topic) {
        auto route = co_await name_servers_.route(topic);
        if (route)
            co_return std::move(*route);
        if (route.error() == rp::error::no_route)
            co_return std::nullopt;
        const auto why =
            route.error() == rp::error::name_servers_unreachable ? name_servers_.last_failure() : route.error();
        std::string servers;
        for (const auto& server : name_servers_.list())
            (servers += servers.empty() ? "" : ";") += to_string(server);
        throw view_failure(fmt::format("cannot ask name server {}: {}", servers, why.message()));
    }

    static std::string problem_of(const std::string& broker, const rp::endpoint& where, std::error_code why) {
        const bool refused = why.category() == rp::response_category();
        const auto* advice = why == rp::response_code::no_permission
                                 ? "; look at --access-key, its secret, and what that account may do"
                                 : "";
        return fmt::format("{} at {} {}: {}{}", broker, to_string(where), refused ? "refuses" : "does not answer",
                           why.message(), advice);
    }

    task<void> add_progress(std::string broker, rp::endpoint where, std::string group, std::string topic,
                            group_view& view, std::size_t& answered) {
        auto stats = co_await calls_.consume_stats(where, std::move(group), std::move(topic));
        if (stats) {
            ++answered;
            view.queues.insert(view.queues.end(), stats->queues.begin(), stats->queues.end());
        } else {
            view.problems.push_back(problem_of(broker, where, stats.error()));
        }
    }

    /// All members are at all brokers, so what one of them fails to say another one does.
    task<void> add_members(rp::endpoint where, std::string group, group_view& view) {
        auto found = co_await calls_.group_connections(where, std::move(group));
        if (!found)
            co_return;
        view.message_model = std::move(found->message_model);
        view.consume_type  = std::move(found->consume_type);
        for (auto& member : found->members)
            if (std::ranges::find(view.members, member.client_id, &protocol::consumer_connection::client_id) ==
                view.members.end())
                view.members.push_back(std::move(member));
    }

    task<void> add_extents(std::string broker, rp::endpoint where, std::string topic, topic_view& view,
                           std::size_t& answered) {
        auto stats = co_await calls_.topic_stats(where, std::move(topic));
        if (stats) {
            ++answered;
            view.queues.insert(view.queues.end(), stats->queues.begin(), stats->queues.end());
        } else {
            view.problems.push_back(problem_of(broker, where, stats.error()));
        }
    }

    task<void> add_owners(const broker_list& brokers, const std::string& group, group_view& view) {
        std::map<rp::message_queue, std::string> owner;
        const auto each = std::make_shared<waits>(runtime_);
        for (const auto& member : view.members)
            each->spawn(add_owned(brokers, group, member.client_id, owner));
        co_await each->wait();
        for (const auto& one : view.queues) {
            auto found = owner.find(one.queue);
            if (found == owner.end()) // all queues of its broker are popped together
                found = owner.find({one.queue.topic, one.queue.broker_name, -1});
            view.owners.push_back(found == owner.end() ? std::string() : found->second);
        }
    }

    /// Any broker passes the question on. A queue that two members say they hold is being handed over, or shared.
    task<void> add_owned(const broker_list& brokers, std::string group, std::string client_id,
                         std::map<rp::message_queue, std::string>& owner) {
        for (const auto& [name, where] : brokers) {
            const auto held = co_await calls_.held_queues(where, group, client_id);
            if (!held)
                continue;
            for (const auto& queue : *held) {
                auto& who = owner[queue];
                (who += who.empty() ? "" : ",") += client_id;
            }
            co_return;
        }
    }

    rp::asio_runtime runtime_;
    pool_type pool_;
    rp::name_servers<chosen_transport, rp::asio_runtime> name_servers_;
    rp::inspection_calls<chosen_transport, rp::asio_runtime> calls_;
};

cluster_view::cluster_view(const cluster_access& access) : inquiry_(std::make_shared<inquiry>(access)) {}
cluster_view::~cluster_view() { inquiry_->end(); }

group_view cluster_view::group(const std::string& group, const std::vector<std::string>& topics, bool owners) {
    return inquiry_->ask<group_view>([=](inquiry& of) { return of.group(group, topics, owners); });
}

topic_view cluster_view::topic(const std::string& topic) {
    return inquiry_->ask<topic_view>([=](inquiry& of) { return of.topic(topic); });
}

} // namespace rocketcat
