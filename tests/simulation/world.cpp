#include "tests/simulation/world.hpp"

#include <rocketpush/core/names.hpp>

#include <asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "tests/simulation/ledger.hpp"
#include "tests/simulation/member.hpp"
#include "tests/simulation/servers.hpp"

namespace rocketpush::simulation {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using protocol::request_code;

constexpr auto group = "g";
constexpr auto step  = 100ms; ///< What the world does, it does so often.

/// What the seed makes of a world: everything that stays as it is.
struct setting {
    consuming how{};
    int members = 2, brokers = 1, name_servers = 1, topics = 1, queues = 4;
    std::size_t consume_batch = 1, pull_batch = 32, max_cached = 1000;
    std::int64_t max_span = 2000;
    milliseconds commit_interval{5000}, longest_call{0}, send_interval{100};
    double later = 0, part = 0, thrown = 0, never = 0;
};

/// How often a kind of fault comes, in a minute.
struct hazard {
    const char* name;
    double a_minute;
    std::function<void()> strike;
};

class world final : public audience {
  public:
    explicit world(const plan& what)
        : plan_(what), random_(what.seed), runtime_(what.seed), network_(std::make_shared<network>(runtime_, what.seed ^ 0x5eed)) {
        draw_setting();
        build();
    }

    ~world() override {
        quiet_ = true;
        for (auto& each : members_)
            if (each->state == life::starting || each->state == life::running)
                end(*each);
        runtime_.run_until([&] { return std::ranges::all_of(members_, [](const auto& one) { return one->over; }); }, 10min);
        members_.clear();
        runtime_.run_ready();
        brokers_.clear();
        runtime_.run_ready();
    }

    report run() {
        try {
            for (const auto end = runtime_.now() + std::chrono::minutes(plan_.minutes); runtime_.now() < end;) {
                pass(step);
                produce();
                for (auto& each : hazards_)
                    if (chance(each.a_minute * static_cast<double>(step.count()) / 60'000)) {
                        ++report_.faults[each.name];
                        each.strike();
                    }
                check();
            }
            make_peace();
        } catch (const violation& broken) {
            note(broken.what);
            report_.violations.push_back(broken.what);
        }
        report_.hash            = hash_;
        report_.messages        = ledger_.size();
        report_.deliveries      = ledger_.deliveries();
        report_.repeats         = ledger_.repeats();
        report_.virtual_seconds = std::chrono::duration<double>(runtime_.now() - begun_).count();
        return report_;
    }

    // What members say.

    behaviour call_begins(const std::string& name, const message_queue& queue, std::span<const std::size_t> messages) override {
        auto& who = actor_of(name);
        if (who.state == life::ghost || quiet_)
            return {.time = {}, .how = behaviour::end::never}; // nobody is there any more
        note(fmt::format("{} consumes {} of {}", name, fmt::join(messages, ","), to_string(queue)));
        if (who.state == life::stopped)
            broken(fmt::format("{} called its listener after its stop had completed", name));
        for (const auto one : messages) {
            if (one >= ledger_.size())
                broken(fmt::format("{} was given message {}, which nobody sent", name, one));
            ledger_.begun(one, name);
        }
        if (setting_.how == consuming::in_order)
            begin_in_order(who, queue, messages);
        return draw_behaviour(messages.size());
    }

    void call_ends(const std::string& name, const message_queue& queue, std::span<const std::size_t> messages,
                   std::size_t succeeded) override {
        auto& who = actor_of(name);
        if (who.state == life::ghost || quiet_)
            return;
        note(fmt::format("{} has consumed {} of {}", name, succeeded, fmt::join(messages, ",")));
        for (const auto one : messages.first(succeeded))
            ledger_.succeeded(one);
        if (setting_.how == consuming::in_order)
            running_.erase({queue, name});
    }

    void sent_back(const std::string& name, std::size_t message) override {
        if (actor_of(name).state == life::ghost || quiet_)
            return;
        note(fmt::format("{} sent {} back", name, message));
        ledger_.sent_back(message);
    }

    void unreadable(const std::string& name, const message_queue& queue, queue_offset at) override {
        if (actor_of(name).state == life::ghost || quiet_)
            return;
        note(fmt::format("{} cannot read {} of {}", name, at, to_string(queue)));
        ledger_.unreadable(queue, at);
    }

    void told(const std::string& name, const std::string& event) override {
        if (!quiet_)
            note(name + ' ' + event);
    }

  private:
    enum class life { starting, running, stopping, stopped, ghost };

    struct actor {
        std::string name{}, client_id{};
        life state = life::starting;
        std::unique_ptr<member> is{};
        bool over = false; ///< Its stop has completed.
    };

    // Chance.

    bool chance(double rate) { return rate > 0 && std::uniform_real_distribution<>(0, 1)(random_) < rate; }
    int draw(int least, int most) { return std::uniform_int_distribution<>(least, most)(random_); }
    milliseconds draw(milliseconds least, milliseconds most) {
        return milliseconds(std::uniform_int_distribution<milliseconds::rep>(least.count(), most.count())(random_));
    }
    template <class T>
    T one_of(std::initializer_list<T> values) {
        return values.begin()[static_cast<std::size_t>(draw(0, static_cast<int>(values.size()) - 1))];
    }

    void draw_setting() {
        auto& s           = setting_;
        s.how             = one_of({consuming::concurrently, consuming::concurrently, consuming::in_order, consuming::by_pops});
        s.members         = draw(2, 8);
        s.brokers         = draw(1, 4);
        s.name_servers    = draw(1, 3);
        s.topics          = draw(1, 2);
        s.queues          = draw(1, 4);
        s.consume_batch   = one_of<std::size_t>({1, 1, 4, 16});
        s.pull_batch      = one_of<std::size_t>({1, 8, 32, 32});
        s.max_cached      = one_of<std::size_t>({4, 64, 1000});
        s.max_span        = one_of<std::int64_t>({16, 200, 2000});
        s.commit_interval = one_of({500ms, 5000ms});
        s.longest_call    = one_of({0ms, 5ms, 50ms, 400ms});
        s.send_interval   = one_of({50ms, 200ms, 1000ms});
        if (plan_.calm)
            return;
        s.later  = one_of({0.0, 0.01, 0.1});
        s.part   = s.how == consuming::concurrently && s.consume_batch > 1 ? one_of({0.0, 0.05}) : 0;
        s.thrown = one_of({0.0, 0.0, 0.02});
        s.never  = s.how == consuming::concurrently ? one_of({0.0, 0.0, 0.001}) : 0;
    }

    void build() {
        using enum consuming;
        const auto how  = setting_.how == in_order ? "in order" : setting_.how == by_pops ? "by pops" : "concurrently";
        report_.setting = fmt::format("{} members {}, {} brokers, {} name servers, {} topics of {} queues, batches of {} and {}, calls up to {} ms{}",
                                      setting_.members, how, setting_.brokers, setting_.name_servers, setting_.topics, setting_.queues,
                                      setting_.consume_batch, setting_.pull_batch, setting_.longest_call.count(), plan_.calm ? ", calm" : "");
        note(report_.setting);
        for (int i = 0; i < setting_.topics; ++i)
            topics_.push_back(fmt::format("topic-{}", i));
        for (int i = 0; i < setting_.name_servers; ++i)
            names_.push_back(std::make_unique<name_server>(runtime_, network_, fmt::format("names-{}", i)));
        for (int i = 0; i < setting_.brokers; ++i) {
            embedded::broker_options with;
            with.name   = fmt::format("broker-{}", i);
            with.listen = {with.name, 10911};
            brokers_.push_back(make_broker(runtime_, network_, with));
            for (const auto& topic : topics_)
                brokers_.back()->create_topic(topic, setting_.queues);
            if (setting_.how == by_pops)
                for (const auto& topic : topics_)
                    brokers_.back()->set_request_mode(topic, group, embedded::reading_mode{.mode = protocol::request_mode::pop});
            for (auto& each : names_)
                each->add(*brokers_.back());
        }
        runtime_.run_ready();
        begun_ = runtime_.now();
        for (int i = 0; i < setting_.members; ++i)
            join();
        if (plan_.calm)
            hazards_ = {{"clean stop", 1.0, [this] { leave(); }}};
        else
            draw_hazards();
    }

    void draw_hazards() {
        const auto add = [this](const char* name, std::initializer_list<double> rates, auto strike) {
            if (const auto rate = one_of(rates); rate > 0)
                hazards_.push_back({name, rate, strike});
        };
        add("clean stop", {0, 0.5, 2}, [this] { leave(); });
        add("crash of a member", {0, 0.3, 1}, [this] { crash(line_state::refusing); });
        add("a member's machine dies", {0, 0, 0.3}, [this] { crash(line_state::dead); });
        add("reset of a connection", {0, 1, 10}, [this] { network_->reset_any(); });
        add("line frozen", {0, 0.5}, [this] { disturb(line_state::frozen); });
        add("line deaf", {0, 0.3}, [this] { disturb(line_state::deaf); });
        add("line mute", {0, 0.3}, [this] { disturb(line_state::mute); });
        add("crash of a broker", {0, 0.3, 1}, [this] { crash_broker(); });
        add("pause of a broker", {0, 0.5}, [this] { pause_broker(); });
        add("bad network", {0, 0.5}, [this] { bad_network(); });
        add("broker's answers", {0, 1, 4}, [this] { wrong_answers(); });
        add("wrong routes", {0, 0.5}, [this] { wrong_routes(); });
        add("name server away", {0, 0.5}, [this] { lose_name_server(); });
        add("wall clock jump", {0, 0.3}, [this] { runtime_.skew_system_clock(draw(milliseconds(-3'600'000), milliseconds(3'600'000))); });
        add("suspension", {0, 0.5}, [this] { suspend(); });
        if (setting_.how == consuming::in_order)
            add("locks expire", {0, 0.3}, [this] { any_broker().expire_locks(group); });
    }

    // Time.

    void pass(milliseconds time) {
        const auto end = runtime_.now() + time;
        while (!later_.empty() && later_.begin()->first <= end) {
            const auto [at, then] = *later_.begin();
            later_.erase(later_.begin());
            runtime_.advance(std::max(duration(0), at - runtime_.now()));
            throw_if_broken();
            then();
        }
        runtime_.advance(end - runtime_.now());
        throw_if_broken();
        for (auto& each : members_)
            if (each->over)
                each->is.reset();
    }

    void after(milliseconds time, std::function<void()> then) { later_.emplace(runtime_.now() + time, std::move(then)); }

    // Members.

    actor& actor_of(const std::string& name) {
        for (auto& each : members_)
            if (each->name == name)
                return *each;
        throw violation{name + " is not there any more, and speaks"};
    }

    std::vector<actor*> those(life state) {
        std::vector<actor*> found;
        for (auto& each : members_)
            if (each->state == state)
                found.push_back(each.get());
        return found;
    }
    actor* any_running() {
        const auto all = those(life::running);
        return all.empty() ? nullptr : all[static_cast<std::size_t>(draw(0, static_cast<int>(all.size()) - 1))];
    }
    sim_broker& any_broker() { return *brokers_[static_cast<std::size_t>(draw(0, setting_.brokers - 1))]; }

    void join() {
        const auto name = fmt::format("member-{}", ++joined_);
        options with{.group = group, .client_ip = name, .instance_name = "sim"};
        for (const auto& each : names_)
            with.name_servers += (with.name_servers.empty() ? "" : ";") + to_string(each->address());
        with.from                = consume_from::first;
        with.consume_batch_size  = setting_.consume_batch;
        with.pull_batch_size     = setting_.pull_batch;
        with.max_cached_messages = setting_.max_cached;
        with.max_span            = setting_.max_span;
        with.commit_interval     = setting_.commit_interval;
        with.consume_timeout     = 30s;
        with.pop_invisible_time  = 20s;
        with.stop_timeout        = 5s;
        auto one                 = std::make_unique<actor>();
        one->name                = name;
        one->client_id           = name + "@sim";
        auto& who                = *one;
        members_.push_back(std::move(one));
        note(name + " joins");
        who.is = make_member(setting_.how, runtime_, network_, name, with, topics_, *this);
        who.is->start([this, &who](std::error_code failure) {
            note(fmt::format("{} has started{}{}", who.name, failure ? ": " : "", failure ? failure.message() : std::string()));
            if (who.state == life::starting)
                who.state = failure ? life::ghost : life::running;
            if (failure && who.state == life::ghost)
                end(who);
        });
    }

    /// Begins what ends a member; nothing is promised of a ghost.
    void end(actor& who) {
        const bool heard = who.state != life::ghost;
        if (heard)
            who.state = life::stopping;
        who.is->stop(5s, [this, &who, heard](std::error_code failure) {
            if (heard)
                note(fmt::format("{} has stopped{}{}", who.name, failure ? ": " : "", failure ? failure.message() : std::string()));
            if (heard)
                who.state = life::stopped;
            who.over = true;
        });
    }

    void leave() {
        auto* who = any_running();
        if (!who)
            return;
        note(who->name + " is stopped");
        end(*who);
        after(draw(milliseconds(0), 40'000ms), [this] { join(); });
    }

    void crash(line_state how) {
        auto* who = any_running();
        if (!who)
            return;
        note(who->name + (how == line_state::dead ? " loses its machine" : " crashes"));
        who->state = life::ghost;
        network_->set(who->name, how);
        forget_calls_of(who->name);
        who->is->stop(0ms, [who](std::error_code) { who->over = true; });
        after(draw(milliseconds(0), 60'000ms), [this] { join(); });
    }

    void suspend() {
        if (auto* who = any_running()) {
            note(who->name + " is suspended");
            who->is->suspend();
            after(draw(100ms, 30'000ms), [this, name = who->name] {
                for (auto& each : members_)
                    if (each->name == name && each->state == life::running)
                        each->is->resume();
            });
        }
    }

    // Faults of others.

    void disturb(line_state how) {
        const auto* who  = any_running();
        const bool whose = who && chance(0.5);
        const auto host  = whose ? who->name : any_broker().address().host;
        if (network_->state(host) != line_state::open)
            return;
        note(fmt::format("the line of {} is {}", host, how == line_state::frozen ? "frozen" : how == line_state::deaf ? "deaf" : "mute"));
        network_->set(host, how);
        after(draw(100ms, 60'000ms), [this, host, how] {
            if (network_->state(host) == how)
                network_->set(host, line_state::open);
        });
    }

    void crash_broker() {
        auto& who       = any_broker();
        const auto host = who.address().host;
        if (network_->state(host) != line_state::open)
            return;
        note(host + " crashes");
        network_->set(host, line_state::refusing);
        after(draw(100ms, 40'000ms), [this, &who, host] {
            note(host + " is there again");
            network_->set(host, line_state::open);
            if (setting_.how != consuming::by_pops && chance(0.5))
                for (const auto& [queue, offset] : remembered_)
                    if (queue.broker_name == host && offset < who.committed_offset(group, queue.topic, queue.queue_id).value_or(0)) {
                        note(fmt::format("the offset of {} is {} again", to_string(queue), offset));
                        roll_back(runtime_, network_, who.address(), group, queue.topic, queue.queue_id, offset);
                    }
        });
    }

    void pause_broker() {
        auto& who = any_broker();
        note(who.address().host + " stands still");
        who.pause();
        after(draw(100ms, 20'000ms), [&who] { who.resume(); });
    }

    void bad_network() {
        note("the network is bad");
        auto& now        = network_->now;
        now.most_delay   = draw(2ms, 2'000ms);
        now.split        = one_of({0.0, 0.5, 1.0});
        now.reset        = one_of({0.0, 0.0, 0.02});
        now.refused      = one_of({0.0, 0.3});
        now.unanswered   = one_of({0.0, 0.2});
        now.slow_connect = one_of({0.0, 0.5});
        now.slow         = draw(500ms, 5'000ms);
        after(draw(1'000ms, 60'000ms), [this] { network_->now = {}; });
    }

    void wrong_answers() {
        using namespace embedded::fault_action;
        auto& who = any_broker();
        embedded::fault wanted;
        wanted.codes  = {one_of({request_code::pull_message, request_code::update_consumer_offset, request_code::query_consumer_offset,
                                 request_code::heart_beat, request_code::consumer_send_back, request_code::get_consumer_list,
                                 request_code::lock_batch, request_code::unlock_batch, request_code::get_max_offset,
                                 request_code::pop_message, request_code::ack_message, request_code::query_assignment})};
        wanted.rate   = one_of({0.2, 0.5, 1.0});
        wanted.action = one_of<any>({refuse{}, lose_request{}, lose_answer{}, deny{}, delay{draw(100ms, 10'000ms)}, close_before{}, close_after{},
                                     answer_twice{}, wrong_opaque{}, garble{}});
        note(fmt::format("{} answers {} wrongly, kind {}, rate {}", who.address().host, static_cast<int>(wanted.codes[0]), wanted.action.index(),
                         wanted.rate));
        const auto id = who.add_fault(wanted);
        after(draw(500ms, 30'000ms), [&who, id] { who.clear_fault(id); });
    }

    void wrong_routes() {
        auto& who       = *names_[static_cast<std::size_t>(draw(0, setting_.name_servers - 1))];
        const auto what = one_of({opinion::stale, opinion::empty, opinion::without_first});
        note(fmt::format("{} says wrong routes, kind {}", who.address().host, static_cast<int>(what)));
        who.say(what);
        after(draw(500ms, 60'000ms), [&who] { who.say(opinion::right); });
    }

    void lose_name_server() {
        auto& who       = *names_[static_cast<std::size_t>(draw(0, setting_.name_servers - 1))];
        const auto host = who.address().host;
        if (network_->state(host) != line_state::open)
            return;
        note(host + " is away");
        network_->set(host, one_of({line_state::refusing, line_state::dead}));
        after(draw(500ms, 60'000ms), [this, host] { network_->set(host, line_state::open); });
    }

    // Producers.

    void produce() {
        while (runtime_.now() >= next_send_) {
            next_send_ = std::max(next_send_, runtime_.now() - step) + setting_.send_interval;
            auto& to   = any_broker();
            if (network_->state(to.address().host) == line_state::refusing)
                continue;
            const auto& topic = topics_[static_cast<std::size_t>(draw(0, setting_.topics - 1))];
            const auto which  = ledger_.size();
            const auto sent   = to.send(topic, std::to_string(which), {.queue = draw(0, setting_.queues - 1)});
            ledger_.sent(which, {topic, to.address().host, sent.queue_id}, sent.offset);
        }
    }

    behaviour draw_behaviour(std::size_t size) {
        using enum behaviour::end;
        behaviour now{.time = setting_.longest_call.count() == 0 ? 0ms : draw(0ms, setting_.longest_call)};
        if (peace_)
            return now;
        if (chance(setting_.never))
            now.how = never;
        else if (chance(setting_.thrown))
            now.how = thrown;
        else if (chance(setting_.later))
            now.how = later;
        else if (size > 1 && chance(setting_.part))
            now.how = part;
        return now;
    }

    // Promises.

    void broken(std::string what) {
        if (!broken_)
            broken_ = violation{std::move(what)};
    }
    void throw_if_broken() {
        if (broken_)
            throw *broken_;
    }

    void begin_in_order(const actor& who, const message_queue& queue, std::span<const std::size_t> messages) {
        for (const auto& [key, calls] : running_)
            if (key.first == queue) {
                if (key.second == who.name)
                    broken(fmt::format("{} runs two calls at once of {}", who.name, to_string(queue)));
                else if (const auto owner = broker_of(queue).lock_owner(group, queue.topic, queue.queue_id); owner != who.client_id)
                    broken(fmt::format("{} consumes {} while {} does, and the lock is {}'s", who.name, to_string(queue), key.second, owner));
            }
        ++running_[{queue, who.name}];
        for (std::size_t i = 0; i < messages.size(); ++i)
            if (i == 0 ? !ledger_.all_done_before(messages[i]) : messages[i] <= messages[i - 1])
                broken(fmt::format("{} was given {} out of order", who.name, ledger_.describe(messages[i])));
    }
    void forget_calls_of(const std::string& name) {
        std::erase_if(running_, [&](const auto& one) { return one.first.second == name; });
    }

    sim_broker& broker_of(const message_queue& queue) {
        for (auto& each : brokers_)
            if (each->address().host == queue.broker_name)
                return *each;
        throw violation{"a queue of a broker that is none of the world: " + to_string(queue)};
    }

    template <class Each>
    void for_each_queue(Each each) {
        for (auto& broker : brokers_)
            for (const auto& topic : topics_)
                for (int id = 0; id < setting_.queues; ++id)
                    each(*broker, message_queue{topic, broker->address().host, id});
    }

    void check() {
        if (++checks_ % 5 != 0 || setting_.how == consuming::by_pops)
            return;
        for_each_queue([&](sim_broker& broker, const message_queue& queue) {
            const auto offset = broker.committed_offset(group, queue.topic, queue.queue_id).value_or(0);
            if (const auto wrong = ledger_.committed(queue, offset))
                throw *wrong;
            if (checks_ % 50 == 0)
                remembered_[queue] = offset; // what a broker that crashes may come back to
        });
    }

    /// The faults end. Everything has to be consumed, and every queue to have its one owner.
    void make_peace() {
        note("peace");
        peace_ = true;
        for (auto& [at, then] : std::exchange(later_, {}))
            then();
        network_->now = {};
        for (auto& each : names_) {
            each->say(opinion::right);
            network_->set(each->address().host, line_state::open);
        }
        for (auto& each : brokers_) {
            each->clear_faults();
            each->resume();
            network_->set(each->address().host, line_state::open);
        }
        for (auto& each : members_)
            if (each->state == life::running || each->state == life::starting) {
                network_->set(each->name, line_state::open);
                each->is->resume();
            }
        const auto most = runtime_.now() + 40min; // retries have delays of minutes
        while (ledger_.done() < ledger_.size()) {
            pass(1s);
            check();
            if (runtime_.now() > most) {
                std::string some;
                for (const auto which : ledger_.missing(5))
                    some += "\n  " + ledger_.describe(which);
                throw violation{fmt::format("{} messages were not consumed in 40 minutes of peace:{}", ledger_.size() - ledger_.done(), some)};
            }
        }
        for (int i = 0; i < 60; ++i) {
            pass(1s);
            check();
        }
        check_owners();
        if (setting_.how != consuming::by_pops)
            for_each_queue([&](sim_broker& broker, const message_queue& queue) {
                const auto end = broker.max_offset(queue.topic, queue.queue_id);
                if (const auto offset = broker.committed_offset(group, queue.topic, queue.queue_id).value_or(0); offset != end)
                    throw violation{fmt::format("in peace {} is committed at {}, and ends at {}", to_string(queue), offset, end)};
            });
        if (plan_.calm && ledger_.repeats() != 0)
            throw violation{fmt::format("{} messages came twice though nothing failed", ledger_.repeats())};
    }

    void check_owners() {
        if (setting_.how == consuming::by_pops)
            return;
        std::map<message_queue, std::vector<std::string>> owners;
        for (auto* each : those(life::running)) {
            asio::post(runtime_.get_executor(), [&owners, each] {
                for (const auto& queue : each->is->statistics().queues)
                    owners[queue.queue].push_back(each->name);
            });
        }
        runtime_.run_ready();
        for_each_queue([&](sim_broker&, const message_queue& queue) {
            if (owners[queue].size() != 1)
                throw violation{fmt::format("in peace {} is held by {} members: {}", to_string(queue), owners[queue].size(),
                                            fmt::join(owners[queue], ", "))};
        });
    }

    // What is written down.

    void note(const std::string& what) {
        const auto since = std::chrono::duration_cast<std::chrono::microseconds>(runtime_.now() - begun_).count();
        const auto line  = fmt::format("{:>12.6f} {}", static_cast<double>(since) / 1e6, what);
        for (const char each : line)
            hash_ = (hash_ ^ static_cast<unsigned char>(each)) * 0x100000001b3;
        if (plan_.trace)
            plan_.trace(line);
    }

    const plan& plan_;
    report report_;
    std::uint64_t hash_ = 0xcbf29ce484222325;
    std::mt19937_64 random_;
    manual_runtime runtime_;
    std::shared_ptr<network> network_;
    setting setting_;
    time_point begun_ = runtime_.now();
    std::vector<std::string> topics_;
    std::vector<std::unique_ptr<name_server>> names_;
    std::vector<std::unique_ptr<sim_broker>> brokers_;
    std::vector<std::unique_ptr<actor>> members_;
    int joined_ = 0;
    std::vector<hazard> hazards_;
    std::multimap<time_point, std::function<void()>> later_;
    ledger ledger_;
    std::map<std::pair<message_queue, std::string>, int> running_; ///< Calls in order, by queue and member.
    std::map<message_queue, queue_offset> remembered_;
    std::optional<violation> broken_;
    time_point next_send_ = runtime_.now();
    std::uint64_t checks_ = 0;
    bool peace_ = false, quiet_ = false;
};

} // namespace

std::unique_ptr<member> make_member(consuming how, const manual_runtime& runtime, const std::shared_ptr<network>& in, const std::string& name,
                                    const options& with, const std::vector<std::string>& topics, audience& who) {
    const auto make = how == consuming::in_order ? make_orderly_member : how == consuming::by_pops ? make_popping_member : make_concurrent_member;
    return make(runtime, in, name, with, topics, who);
}

report simulate(const plan& what) { return world(what).run(); }

} // namespace rocketpush::simulation
