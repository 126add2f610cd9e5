#include "tests/simulation/world.hpp"

#include <algorithm>
#include <memory>
#include <string>

#include "tests/simulation/cluster.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/promises.hpp"
#include "tests/simulation/stage.hpp"
#include "tests/simulation/team.hpp"

namespace rocketpush::simulation {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

class world {
  public:
    explicit world(const plan& what) : stage_(what) {}

    report run() {
        stage_.note("{}", describe(stage_.made));
        for (int i = 0; i < stage_.made.members; ++i)
            team_.join();
        report found;
        try {
            for (const auto end = stage_.runtime.now() + std::chrono::minutes(stage_.what.minutes); stage_.runtime.now() < end;) {
                pass(step);
                produce();
                faults_.strike(step);
            }
            make_peace();
        } catch (const violation& broken) {
            found.violations.push_back(broken.what);
        } catch (const test::time_stands_still& problem) {
            found.violations.push_back(problem.what());
        }
        for (const auto& each : found.violations)
            stage_.note("{}", each);
        found.setting         = describe(stage_.made);
        found.hash            = stage_.hash();
        found.messages        = promises_.messages();
        found.deliveries      = promises_.deliveries();
        found.repeats         = promises_.repeats();
        found.faults          = faults_.counts();
        found.virtual_seconds = std::chrono::duration<double>(stage_.runtime.now() - stage_.begun).count();
        return found;
    }

  private:
    static constexpr milliseconds step{100};            ///< What the world does, it does so often.
    static constexpr std::chrono::minutes longest_peace{40}; ///< Retries have delays of minutes.
    /// A broker takes two minutes to see that a member is dead, ten seconds at most to look, and members share out every 20 s.
    static constexpr std::chrono::seconds owners_settle{200};

    void pass(milliseconds time) {
        stage_.pass(time);
        team_.bury();
        ++passes_;
        if (passes_ % 5 == 0)
            promises_.check_offsets();
        if (passes_ % 20 == 0)
            team_.check_statistics();
        if (passes_ % 50 == 0)
            cluster_.flush_offsets();
        stage_.throw_if_broken();
    }

    void produce() {
        for (; stage_.runtime.now() >= next_send_; next_send_ += stage_.made.send_interval) {
            auto body = std::to_string(promises_.messages());
            if (stage_.made.largest_body > body.size()) {
                const auto size = static_cast<std::size_t>(stage_.dice.between(static_cast<int>(body.size()), static_cast<int>(stage_.made.largest_body)));
                body += ' ';
                body.resize(std::max(body.size(), size), '.');
            }
            if (const auto place = cluster_.send(body))
                promises_.sent(*place);
        }
    }

    void make_peace() {
        stage_.note("peace");
        stage_.peace    = true;
        stage_.net->now = {};
        cluster_.make_peace();
        team_.make_peace();
        const auto begun = stage_.runtime.now();
        while (promises_.missing(team_.running()) != 0 || team_.running().empty() || stage_.runtime.now() < begun + owners_settle) {
            pass(1s);
            if (stage_.runtime.now() > begun + longest_peace)
                throw violation{fmt::format("{} messages were not consumed in {} minutes of peace:{}", promises_.missing(team_.running()),
                                            longest_peace.count(), promises_.describe_missing(team_.running()))};
        }
        for (int i = 0; i < 30; ++i) {
            team_.check_owners();
            pass(1s);
        }
        promises_.check_ends();
        stage_.throw_if_broken();
        if (stage_.made.calm && promises_.repeats() != 0)
            throw violation{fmt::format("{} messages came twice though nothing failed", promises_.repeats())};
    }

    stage stage_;
    cluster cluster_{stage_};
    promises promises_{stage_, cluster_};
    team team_{stage_, cluster_, promises_}; // before the cluster goes: its members unregister there
    faults faults_{stage_, cluster_, team_};
    time_point next_send_ = stage_.runtime.now();
    std::size_t passes_   = 0;
};

} // namespace

std::string_view name_of(consuming how) {
    constexpr std::string_view names[] = {"concurrently", "at once", "by hand", "in order", "by pops", "everywhere"};
    return names[static_cast<std::size_t>(how)];
}

std::unique_ptr<member> make_member(consuming how, const member_plan& of) {
    constexpr decltype(&make_plain_member) kinds[] = {make_concurrent_member, make_plain_member,   make_deferring_member,
                                                      make_orderly_member,    make_popping_member, make_broadcasting_member};
    return kinds[static_cast<std::size_t>(how)](of);
}

report simulate(const plan& what) { return world(what).run(); }

} // namespace rocketpush::simulation
