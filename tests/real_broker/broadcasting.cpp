#include <rocketpush/offset_store/file_offset_store.hpp>
#include <rocketpush/offset_store/offset_files.hpp>
#include <rocketpush/push_consumer.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <set>
#include <string>

#include "story.hpp"
#include "tests/support/scratch_folder.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// The Java client has one folder for a process.
const scratch_folder& offsets() {
    static const scratch_folder folder;
    return folder;
}

struct count_dropped : no_observer {
    std::atomic<std::size_t>* dropped;
    explicit count_dropped(std::atomic<std::size_t>& into) : dropped(&into) {}
    void on_dropped(const message_view&) { ++*dropped; }
};

/// A broadcasting member of ours, with the names that Java would have.
class broadcast_member {
  public:
    broadcast_member(const std::string& group, const std::string& topic, journal& to, const std::string& instance = "",
                     listener_function then = {})
        : consumer_(named(group, instance), recording_listener{"ours", &to, std::move(then)},
                    file_offset_store{{.directory = offsets().path()}},
                    observers(count_dropped(dropped_), log_observer())) {
        consumer_.subscribe(topic);
        consumer_.start();
    }

    std::string client_id() { return consumer_.statistics().client_id; }
    std::size_t dropped() const { return dropped_.load(); }

  private:
    static options named(const std::string& group, const std::string& instance) {
        auto with          = member::of_group(group);
        with.instance_name = instance;
        return with;
    }

    std::atomic<std::size_t> dropped_{0};
    push_consumer<recording_listener, tcp_transport, average_allocation, file_offset_store, thread_pool_executor,
                  observers<count_dropped, log_observer>>
        consumer_;
};

void join_java(const std::string& group, const std::string& topic, const std::string& name,
               const std::string& more = "") {
    java().ask("join " + group + " " + topic + " name=" + name + " model=broadcasting offset-dir=" + offsets().path() +
               " " + more);
}

std::size_t java_got(const std::string& name) { return java().messages(name).size(); }

std::string file_of(const std::string& client_id, const std::string& group) {
    return offsets() / (client_id + "/" + group + "/offsets.json");
}

queue_offset sum_in(const std::string& path) {
    queue_offset sum = 0;
    for (const auto& [queue, offset] : read_offset_files(posix_files(), path).table)
        sum += offset;
    return sum;
}

TEST_CASE("a Java and a rocketpush broadcasting member follow each other on one offset file, in both directions") {
    const std::string group = "follow-group";
    const auto topic        = make_topic("follow", 4);
    send(topic, 40);
    const json joined =
        java().ask("join " + group + " " + topic + " name=java-1 model=broadcasting offset-dir=" + offsets().path());
    const std::string client_id = joined.at("clientId");
    REQUIRE(wait_until([] { return java_got("java-1") == 40; }));
    java().ask("leave java-1 drain=yes");
    CHECK(sum_in(file_of(client_id, group)) == 40);

    send(topic, 10);
    journal seen;
    {
        broadcast_member ours(group, topic, seen);
        CHECK(ours.client_id() == client_id); // or the path would be another one
        REQUIRE(wait_until([&] { return seen.distinct() == 10; }));
        send(topic, 10);
        REQUIRE(wait_until([&] { return seen.distinct() == 20; }));
    }
    CHECK(seen.deliveries() == 20);
    CHECK(sum_in(file_of(client_id, group)) == 60);

    send(topic, 10);
    join_java(group, topic, "java-2");
    REQUIRE(wait_until([] { return java_got("java-2") >= 10; }));
    wait_until([] { return java_got("java-2") > 10; }, 2s);
    CHECK(java_got("java-2") == 10);
    java().ask("leave java-2 drain=yes");
    CHECK(sum_in(file_of(client_id, group)) == 70);

    journal nothing;
    {
        broadcast_member ours(group, topic, nothing);
        wait_until([&] { return nothing.deliveries() > 0; }, 2s);
    }
    CHECK(nothing.deliveries() == 0);
}

TEST_CASE("an offset file that Java wrote is ours to the byte") {
    const auto topic = make_topic("format", 1);
    send(topic, 3);
    const json joined = java().ask("join format-group " + topic +
                                   " name=java-3 instance=format model=broadcasting offset-dir=" + offsets().path());
    REQUIRE(wait_until([] { return java_got("java-3") == 3; }));
    java().ask("leave java-3 drain=yes");
    const auto text = posix_files().read(file_of(joined.at("clientId"), "format-group"));
    REQUIRE(text);
    const auto table = decode_offset_file(*text);
    REQUIRE(table);
    CHECK(*table == offset_table{{{topic, table->begin()->first.broker_name, 0}, 3}});
    if (cluster_variable("ROCKETPUSH_VERSION").starts_with("5."))
        CHECK(*text == encode_offset_file(*table));
    else
        std::printf("%s\n", text->c_str());
}

TEST_CASE("every broadcasting member gets everything, Java's and ours, and the broker knows what they are") {
    const auto topic = make_topic("everybody", 4);
    send(topic, 20);
    journal first, second;
    join_java("everybody-group", topic, "java-4", "instance=one");
    broadcast_member ours("everybody-group", topic, first, "two"), more("everybody-group", topic, second, "three");
    REQUIRE(wait_until([&] { return java_got("java-4") == 20 && first.distinct() == 20 && second.distinct() == 20; }));
    send(topic, 20);
    REQUIRE(wait_until([&] { return java_got("java-4") == 40 && first.distinct() == 40 && second.distinct() == 40; }));
    CHECK(first.duplicates() + second.duplicates() == 0);
    const json connection = ask_until_answered("consumer-connection everybody-group");
    CHECK(connection.at("messageModel") == "BROADCASTING");
    CHECK(connection.at("clients").size() == 3);
    CHECK(connection.at("subscriptions").size() == 1); // no retry topic
    java().ask("leave java-4 drain=yes");
}

TEST_CASE("what fails in broadcasting does not come again, and the offset passes it") {
    const auto topic = make_topic("dropping", 1);
    send(topic, 10);
    journal seen;
    {
        broadcast_member ours("dropping-group", topic, seen, "drops", [](auto messages, auto&) {
            return messages.front().body() == "3" ? consume_result::reconsume_later : consume_result::success;
        });
        REQUIRE(wait_until([&] { return seen.distinct() == 10 && ours.dropped() == 1; }));
        wait_until([&] { return seen.deliveries() > 10; }, 3s);
    }
    CHECK(seen.deliveries() == 10);
    for (const auto& folder : std::filesystem::directory_iterator(offsets().path()))
        if (folder.path().string().ends_with("@drops"))
            CHECK(sum_in((folder.path() / "dropping-group/offsets.json").string()) == 10);
}

} // namespace
