#include <rocketpush/observe/metrics_text.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/metrics_page.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::metrics_page;

/// A consumer of which everything that can be told is told.
consumer_statistics busy_consumer(std::string group = "billing", std::string client_id = "10.0.0.1@one") {
    consumer_statistics made;
    made.group     = std::move(group);
    made.client_id = std::move(client_id);
    work_counts counts{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1500ms, 13s, 14, 15, 16};
    made.counts          = counts;
    made.cached_messages = 64;
    made.cached_bytes    = 4096;
    made.block_bytes     = 8192;

    topic_statistics topic;
    topic.topic      = "orders";
    topic.counts     = counts;
    topic.lag        = 120;
    topic.oldest_age = 2500ms;
    made.topics.push_back(topic);

    queue_statistics full;
    full.queue        = {"orders", "broker-a", 0};
    full.stage        = queue_stage::fetching;
    full.in_stage_for = 60s;
    full.committed    = 400;
    full.broker_max   = 520;
    full.lag          = 120;
    full.cached       = {64, 4096, 64};
    full.flow         = flow_state::too_many_messages;
    full.flow_for     = 30s;
    full.oldest_age   = 2500ms;
    made.queues.push_back(full);
    queue_statistics fresh;
    fresh.queue        = {"orders", "broker-a", 1};
    fresh.in_stage_for = 250ms;
    made.queues.push_back(fresh);

    popped_queue_statistics popped;
    popped.queue      = {"orders", "broker-b", -1};
    popped.waiting    = 3;
    popped.rest       = 7;
    popped.oldest_age = 1s;
    made.popped.push_back(popped);
    return made;
}

std::string file(const std::string& path) {
    std::ifstream in(std::string(ROCKETPUSH_SOURCE_DIR) + "/" + path, std::ios::binary);
    REQUIRE(in);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Words of a text that begin with our prefix, as queries and prose name metrics.
std::set<std::string> names_in(std::string_view text) {
    constexpr std::string_view prefix = "rocketpush_";
    std::set<std::string> found;
    for (auto at = text.find(prefix); at != text.npos; at = text.find(prefix, at + 1)) {
        const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at);
        found.emplace(text.substr(at, end - at));
    }
    return found;
}

/// Labels that all samples of a family have.
std::set<std::string> labels_of(const metric_family& family) {
    std::set<std::string> labels{"group", "client_id"};
    if (family.scope != metric_scope::consumer)
        labels.insert("topic");
    if (family.scope == metric_scope::queue)
        labels.insert({"broker", "queue"});
    if (!family.extra_label.empty())
        labels.emplace(family.extra_label);
    return labels;
}

TEST_CASE("a page has each family in one piece, with help and type, and no others than it is said to have",
          "[metrics]") {
    const metrics_page page(metrics_text(busy_consumer()));
    std::set<std::string> said;
    for (const auto& family : metric_families()) {
        INFO(family.name);
        CHECK(said.emplace(family.name).second);
        const auto found = page.families().find(std::string(family.name));
        REQUIRE(found != page.families().end());
        CHECK(found->second.type == family.type);
        CHECK(found->second.help == family.help);
        CHECK(found->second.label_names == labels_of(family));
    }
    CHECK(page.families().size() == said.size());
}

TEST_CASE("figures stand where they belong, times in seconds", "[metrics]") {
    const metrics_page page(metrics_text(busy_consumer()));
    const metrics_page::labels topic{{"group", "billing"}, {"client_id", "10.0.0.1@one"}, {"topic", "orders"}};
    CHECK(page.find("rocketpush_lag_messages", topic) == 120);
    CHECK(page.find("rocketpush_oldest_unfinished_seconds", topic) == 2.5);
    CHECK(page.find("rocketpush_pulls_total", topic) == 1);
    CHECK(page.find("rocketpush_pulled_messages_total", topic) == 2);
    CHECK(page.find("rocketpush_pulled_bytes_total", topic) == 3);
    CHECK(page.find("rocketpush_filtered_messages_total", topic) == 4);
    CHECK(page.find("rocketpush_refetches_total", topic) == 5);
    CHECK(page.find("rocketpush_bad_messages_total", topic) == 6);
    CHECK(page.find("rocketpush_listener_calls_total", topic) == 7);
    CHECK(page.find("rocketpush_consumed_messages_total", topic) == 8);
    CHECK(page.find("rocketpush_failed_messages_total", topic) == 9);
    CHECK(page.find("rocketpush_sent_back_messages_total", topic) == 10);
    CHECK(page.find("rocketpush_dropped_messages_total", topic) == 11);
    CHECK(page.find("rocketpush_pull_seconds_total", topic) == 1.5);
    CHECK(page.find("rocketpush_listener_seconds_total", topic) == 13);
    CHECK(page.find("rocketpush_consumed_again_messages_total", topic) == 14);
    CHECK(page.find("rocketpush_timed_out_messages_total", topic) == 15);
    CHECK(page.find("rocketpush_acknowledged_messages_total", topic) == 16);

    CHECK(page.find("rocketpush_build_info", {{"version", ROCKETPUSH_VERSION_STRING}}) == 1);
    CHECK(page.find("rocketpush_suspended", {}) == 0);
    CHECK(page.find("rocketpush_held_messages", {}) == 64);
    CHECK(page.find("rocketpush_held_bytes", {}) == 4096);
    CHECK(page.find("rocketpush_frame_memory_bytes", {}) == 8192);
    CHECK(page.find("rocketpush_queues", {{"stage", "fetching"}}) == 2);
    CHECK(page.find("rocketpush_queues", {{"stage", "acquiring"}}) == 1);
    CHECK(page.find("rocketpush_queues_held_up", {{"flow", "too_many_messages"}}) == 1);
    CHECK(page.find("rocketpush_queues_held_up", {{"flow", "suspended"}}) == 0);

    const metrics_page::labels full{{"broker", "broker-a"}, {"queue", "0"}};
    CHECK(page.find("rocketpush_queue_lag_messages", full) == 120);
    CHECK(page.find("rocketpush_queue_oldest_unfinished_seconds", full) == 2.5);
    CHECK(page.find("rocketpush_queue_held_messages", full) == 64);
    CHECK(page.find("rocketpush_queue_end_offset", full) == 520);
    CHECK(page.find("rocketpush_queue_committed_offset", full) == 400);
    CHECK(page.find("rocketpush_queue_stage_seconds", {{"queue", "0"}, {"stage", "fetching"}}) == 60);
    CHECK(page.find("rocketpush_queue_held_up_seconds", {{"queue", "0"}, {"flow", "too_many_messages"}}) == 30);
    CHECK(page.find("rocketpush_queue_lag_messages", {{"broker", "broker-b"}, {"queue", "-1"}}) == 7);
    CHECK(page.find("rocketpush_queue_held_messages", {{"broker", "broker-b"}}) == 3);
}

TEST_CASE("what is not known yet has no sample", "[metrics]") {
    const metrics_page page(metrics_text(busy_consumer()));
    CHECK_FALSE(page.find("rocketpush_queue_lag_messages", {{"queue", "1"}}));
    CHECK_FALSE(page.find("rocketpush_queue_end_offset", {{"queue", "1"}}));
    CHECK_FALSE(page.find("rocketpush_queue_committed_offset", {{"queue", "1"}}));
    CHECK_FALSE(page.find("rocketpush_queue_held_up_seconds", {{"queue", "1"}}));
    CHECK(page.find("rocketpush_queue_stage_seconds", {{"queue", "1"}, {"stage", "acquiring"}}) == 0.25);
    CHECK(metrics_text(std::span<const consumer_statistics>()).empty());
}

TEST_CASE("an orderly listener's pause is told as one on purpose", "[metrics]") {
    auto consumer                = busy_consumer();
    consumer.queues[1].suspended = true;
    consumer.suspended           = true;
    const metrics_page page(metrics_text(consumer));
    CHECK(page.find("rocketpush_queues_held_up", {{"flow", "suspended"}}) == 1);
    CHECK(page.find("rocketpush_suspended", {}) == 1);
}

TEST_CASE("several consumers share a page, family by family", "[metrics]") {
    const std::vector consumers{busy_consumer(), busy_consumer("shipping"), busy_consumer("billing", "10.0.0.2@two")};
    const metrics_page page(metrics_text(consumers)); // which refuses what is in two pieces, or there twice
    CHECK(page.find("rocketpush_lag_messages", {{"group", "shipping"}}) == 120);
    CHECK(page.find("rocketpush_lag_messages", {{"client_id", "10.0.0.2@two"}}) == 120);
    CHECK(std::ranges::count(page.samples(), "rocketpush_lag_messages", &metrics_page::sample::name) == 3);
}

TEST_CASE("without the series of queues a page is as long for many queues as for few", "[metrics]") {
    auto consumer    = busy_consumer();
    const auto small = metrics_text(consumer, {.each_queue = false});
    for (std::int32_t id = 2; id < 1000; ++id) {
        consumer.queues.push_back(consumer.queues.front());
        consumer.queues.back().queue.queue_id = id;
    }
    CHECK(metrics_page(metrics_text(consumer)).samples().size() > 3000);
    const auto large = metrics_text(consumer, {.each_queue = false});
    CHECK(metrics_page(large).samples().size() == metrics_page(small).samples().size());
    CHECK(large.find("broker=") == large.npos);
}

TEST_CASE("labels are escaped, and are UTF-8 whatever they were", "[metrics]") {
    const metrics_page page(metrics_text(busy_consumer("billing", "a\"b\\c\nd\xff"
                                                                  "e\xc3\xa9")));
    CHECK(page.find("rocketpush_suspended", {{"client_id", "a\"b\\c\nd\uFFFDe\u00e9"}}) == 0);
}

TEST_CASE("large and broken numbers are written so that they are read back", "[metrics]") {
    auto consumer                       = busy_consumer();
    consumer.queues[0].broker_max       = 9'007'199'254'740'993; // one beyond what a double holds exactly
    consumer.queues[0].committed        = 123'456'789'012;
    consumer.topics[0].counts.pull_time = 1'234'567'891ns;
    const auto text                     = metrics_text(consumer);
    const metrics_page page(text);
    CHECK(page.find("rocketpush_queue_end_offset", {{"queue", "0"}}) == 9'007'199'254'740'992.0);
    CHECK(text.find("} 123456789012\n") != text.npos);
    CHECK(page.find("rocketpush_pull_seconds_total", {}) == 1.234567891);
}

TEST_CASE("the strict reader refuses what Prometheus would", "[metrics]") {
    const std::string head = "# HELP a_total Help.\n# TYPE a_total counter\n";
    CHECK_NOTHROW(metrics_page(head + "a_total{l=\"v\"} 1\n"));
    for (const auto* wrong :
         {"a_total 1", "a_total{l=v} 1\n", "a_total{l=\"v\" 1\n", "a_total{l=\"\\x\"} 1\n", "a_total{l=\"v\"}1\n",
          "a_total x\n", "b 1\n", "a_total{l=\"v\",l=\"v\"} 1\n", "a_total 1\na_total 2\n", "a_total -1\n", "\n",
          "# HELP a_total Again.\n", "a_total{1=\"v\"} 1\n"}) {
        INFO(wrong);
        CHECK_THROWS(metrics_page(head + wrong));
    }
    CHECK_THROWS(metrics_page("# HELP a Help.\n# TYPE a counter\n"));
}

TEST_CASE("docs/observing.md has a row for each family, and for no other", "[metrics]") {
    std::set<std::string> documented;
    std::istringstream lines(file("docs/observing.md"));
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("| `rocketpush_"))
            continue;
        std::vector<std::string> cells;
        std::istringstream row(line.substr(1));
        for (std::string cell; std::getline(row, cell, '|');) {
            const auto first = cell.find_first_not_of(' ');
            cells.push_back(first == cell.npos ? "" : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
        }
        INFO(line);
        REQUIRE(cells.size() == 4);
        const auto name   = cells[0].substr(1, cells[0].size() - 2);
        const auto all    = metric_families();
        const auto family = std::ranges::find(all, name, &metric_family::name);
        REQUIRE(family != all.end());
        CHECK(cells[1] == family->type);
        auto labels = labels_of(*family);
        labels.erase("group");
        labels.erase("client_id");
        std::set<std::string> told;
        std::istringstream words(cells[2]);
        for (std::string word; std::getline(words, word, ',');)
            told.insert(word.substr(word.find_first_not_of(' ')));
        CHECK(told == labels);
        CHECK(documented.insert(name).second);
    }
    CHECK(documented.size() == metric_families().size());
}

TEST_CASE("the dashboard and the alerts ask for metrics that there are", "[metrics]") {
    std::set<std::string> exported;
    for (const auto& family : metric_families())
        exported.emplace(family.name);
    for (const auto* path : {"examples/grafana/rocketpush-dashboard.json", "examples/grafana/rocketpush-alerts.yml"}) {
        const auto asked = names_in(file(path));
        CHECK(asked.size() > 3);
        for (const auto& name : asked) {
            INFO(path << ": " << name);
            CHECK(exported.contains(name));
        }
    }
}

/// Each query of a dashboard's panels, rows included.
void collect_queries(const protocol::json_value& panels, std::vector<std::string>& queries) {
    protocol::json_cursor cursor(panels.raw);
    REQUIRE(cursor.take('['));
    do {
        protocol::json_value panel;
        REQUIRE(cursor.read_value(panel));
        std::string title;
        REQUIRE(protocol::read_json(panel, "title", title));
        CHECK_FALSE(title.empty());
        const auto targets = protocol::find_member(panel, "targets");
        if (targets.is_null())
            continue;
        protocol::json_cursor inner(targets.raw);
        REQUIRE(inner.take('['));
        do {
            protocol::json_value target;
            REQUIRE(inner.read_value(target));
            REQUIRE(protocol::read_json(target, "expr", queries.emplace_back()));
        } while (inner.take(','));
    } while (cursor.take(','));
}

TEST_CASE("the dashboard is JSON, each of its queries names a metric, and only counters are rated", "[metrics]") {
    const auto text = file("examples/grafana/rocketpush-dashboard.json");
    const auto body = protocol::parse_body(text);
    REQUIRE(body);
    std::vector<std::string> queries;
    collect_queries(protocol::find_member(*body, "panels"), queries);
    CHECK(queries.size() >= 8);
    for (const auto& query : queries) {
        INFO(query);
        CHECK_FALSE(names_in(query).empty());
        for (auto at = query.find("rate("); at != query.npos; at = query.find("rate(", at + 1)) {
            const auto rated = names_in(std::string_view(query).substr(at, query.find('{', at) - at));
            REQUIRE(rated.size() == 1);
            CHECK(rated.begin()->ends_with("_total"));
        }
    }
}

} // namespace
