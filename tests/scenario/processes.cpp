#include "tests/scenario/support/threaded_consumer.hpp"

#include <rocketpush/core/error.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/scenario/support/tally.hpp"
#include "tests/scenario/support/tcp_cluster.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"

// A consumer as a part of somebody else's process: that forks, that has signals, and programs that it starts.

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::tally;
using test::tcp_cluster;
using test::threaded_consumer;

/// The numbers in a folder of /proc/self.
std::vector<int> numbers_in(const char* folder) {
    std::vector<int> found;
    const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder), &::closedir);
    REQUIRE(open);
    while (const auto* entry = ::readdir(open.get()))
        if (const auto number = std::atoi(entry->d_name); number != 0)
            found.push_back(number);
    return found;
}

template <class Call>
std::error_code refusal_of(Call call) {
    try {
        call();
        return {};
    } catch (const std::system_error& refused) {
        return refused.code();
    }
}

TEST_CASE("a child's copy of a consumer is inert and says so, and the parent goes on consuming", "[scenario]") {
    tcp_cluster cluster(100);
    tally got;
    std::optional<threaded_consumer> consumer(std::in_place, cluster.member_options(), got.listener());
    consumer->subscribe("orders");
    consumer->start();
    REQUIRE(got.wait_for(50)); // in the midst of it
    CHECK(test::in_child([&] {
        const auto wrong = make_error_code(error::used_after_fork);
        std::error_code stop, start;
        consumer->stop(stop);
        consumer->start(start);
        const bool all = stop == wrong && start == wrong && //
                         refusal_of([&] { consumer->stop(); }) == wrong &&
                         refusal_of([&] { consumer->subscribe("refunds"); }) == wrong &&
                         refusal_of([&] { consumer->resize(3); }) == wrong &&
                         refusal_of([&] { consumer->run(); }) == wrong &&
                         refusal_of([&] { static_cast<void>(consumer->statistics()); }) == wrong &&
                         refusal_of([&] { consumer->async_stop([](std::error_code) {}); }) == wrong;
        const auto begun = std::chrono::steady_clock::now();
        consumer.reset();
        return all && std::chrono::steady_clock::now() - begun < 1s; // it waits for nobody
    }));
    cluster.send(100, "later");
    CHECK(got.wait_for(200));
    CHECK(consumer->events().count("disconnect") == 0);
    CHECK(cluster.broker.members("billing").size() == 1);
    consumer->stop();
    CHECK(got.each_once(200));
    CHECK(cluster.committed() == 200);
    CHECK(cluster.broker.members("billing").empty());
}

TEST_CASE("a child makes a consumer of its own while its parent's consumes", "[scenario]") {
    tcp_cluster cluster(100);
    tally got;
    threaded_consumer consumer(cluster.member_options(), got.listener());
    consumer.subscribe("orders");
    consumer.start();
    REQUIRE(got.wait_for(100));
    const auto child = test::begin_child([&] {
        auto with  = cluster.member_options();
        with.group = "ledger";
        tally own;
        threaded_consumer mine(with, own.listener());
        mine.subscribe("orders");
        mine.start();
        const bool all = own.wait_for(200);
        mine.stop();
        return all && own.each_once(200);
    });
    cluster.send(100, "later");
    CHECK(got.wait_for(200));
    CHECK(test::end_of(child));
    CHECK(cluster.committed("ledger") == 200);
    cluster.send(10, "last");
    CHECK(got.wait_for(210));
    CHECK(consumer.events().count("disconnect") == 0);
    consumer.stop();
    CHECK(got.each_once(210));
}

TEST_CASE("a stop ends connections that a child still has open, too", "[scenario]") {
    tcp_cluster cluster(10);
    tally got;
    threaded_consumer consumer(cluster.member_options(), got.listener());
    consumer.subscribe("orders");
    consumer.start();
    REQUIRE(got.wait_for(10));
    int wait_on[2];
    REQUIRE(::pipe(wait_on) == 0);
    const auto child = test::begin_child([&] {
        ::close(wait_on[1]);
        char byte = 0;
        return ::read(wait_on[0], &byte, 1) == 0; // until the parent closes it
    });
    consumer.stop();
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (cluster.broker.statistics().connections_open != 0 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    CHECK(cluster.broker.statistics().connections_open == 0);
    ::close(wait_on[1]);
    ::close(wait_on[0]);
    CHECK(test::end_of(child));
}

TEST_CASE("a program that the process starts inherits no connection", "[scenario]") {
    tcp_cluster cluster(10);
    tally got;
    threaded_consumer consumer(cluster.member_options(), got.listener());
    consumer.subscribe("orders");
    consumer.start();
    REQUIRE(got.wait_for(10));
    int sockets = 0;
    for (const auto descriptor : numbers_in("/proc/self/fd")) {
        struct stat about {};
        if (::fstat(descriptor, &about) != 0 || !S_ISSOCK(about.st_mode))
            continue;
        sockaddr_storage name{};
        socklen_t size = sizeof name;
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size);
        if (name.ss_family != AF_INET)
            continue; // the test's surroundings'
        ++sockets;
        CHECK((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(sockets >= 3); // the consumer's, the broker's end of it, and where it listens
}

TEST_CASE("a consumer has the threads of its policies and no others, and no file is opened; nothing of it stays", "[scenario]") {
    const auto files = [] {
        std::vector<int> found;
        for (const auto descriptor : numbers_in("/proc/self/fd")) {
            struct stat about {};
            if (::fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode))
                found.push_back(descriptor);
        }
        return found;
    };
    const auto threads = [] { return numbers_in("/proc/self/task").size(); };
    tcp_cluster cluster(100);
    const auto files_before   = files();
    const auto threads_before = threads();
    tally got;
    {
        threaded_consumer consumer(cluster.member_options(), got.listener());
        consumer.subscribe("orders");
        consumer.start();
        REQUIRE(got.wait_for(100));
        CHECK(threads() == threads_before + 1 + cluster.member_options().consume_threads);
        CHECK(files() == files_before);
    }
    // A thread that was joined may be seen for a moment.
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (threads() > threads_before && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    CHECK(threads() == threads_before);
    CHECK(files() == files_before);
}

TEST_CASE("signals that interrupt every system call change nothing", "[scenario]") {
    struct sigaction interrupting {}, before {};
    static std::atomic<int> interrupted;
    interrupted               = 0;
    interrupting.sa_handler   = [](int) { interrupted.fetch_add(1, std::memory_order_relaxed); }; // no SA_RESTART
    REQUIRE(::sigaction(SIGUSR1, &interrupting, &before) == 0);
    {
        tcp_cluster cluster;
        tally got;
        threaded_consumer consumer(cluster.member_options(), got.listener());
        consumer.subscribe("orders");
        std::atomic<bool> enough{false};
        std::thread tormentor([&] {
            while (!enough.load())
                for (const auto thread : numbers_in("/proc/self/task"))
                    if (thread != ::gettid())
                        ::syscall(SYS_tgkill, ::getpid(), thread, SIGUSR1);
        });
        consumer.start();
        for (int i = 0; i < 20; ++i)
            cluster.send(100, std::to_string(i) + '/');
        CHECK(got.wait_for(2000));
        consumer.stop();
        enough = true;
        tormentor.join();
        CHECK(interrupted > 100);
        CHECK(got.each_once(2000));
        CHECK(cluster.committed() == 2000);
        CHECK(consumer.events().count("disconnect") == 0);
    }
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("connections that end in the midst of writing raise no SIGPIPE", "[scenario]") {
    struct sigaction counting {}, before {};
    static std::atomic<int> raised;
    raised              = 0;
    counting.sa_handler = [](int) { ++raised; };
    REQUIRE(::sigaction(SIGPIPE, &counting, &before) == 0);
    {
        tcp_cluster cluster;
        tally got;
        threaded_consumer consumer(cluster.member_options(), got.listener());
        consumer.subscribe("orders");
        consumer.start();
        for (int i = 0; i < 20; ++i) {
            cluster.send(20, std::to_string(i) + '/');
            cluster.broker.drop_connections();
        }
        CHECK(got.wait_for(400));
    }
    CHECK(raised == 0);
    ::sigaction(SIGPIPE, &before, nullptr);
}

TEST_CASE("a consumer has no signal handlers, and its threads leave signals as they were", "[scenario]") {
    const auto handlers = [] {
        std::vector<void*> found;
        for (int number = 1; number < NSIG; ++number) {
            struct sigaction now {};
            if (::sigaction(number, nullptr, &now) == 0)
                found.push_back(reinterpret_cast<void*>(now.sa_handler));
        }
        return found;
    };
    const auto blocked = [] {
        sigset_t now;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
        std::vector<int> numbers;
        for (int number = 1; number < NSIG; ++number)
            if (::sigismember(&now, number) == 1)
                numbers.push_back(number);
        return numbers;
    };
    const auto before = handlers();
    const auto ours   = blocked();
    tcp_cluster cluster(1);
    tally got;
    std::mutex mutex;
    std::vector<int> in_listener;
    threaded_consumer consumer(cluster.member_options(), [&](const message_view& message) {
        {
            const std::lock_guard lock(mutex);
            in_listener = blocked();
        }
        got.note(message);
        return consume_result::success;
    });
    consumer.subscribe("orders");
    consumer.start();
    REQUIRE(got.wait_for(1));
    CHECK(handlers() == before);
    CHECK(blocked() == ours);
    consumer.stop();
    CHECK(handlers() == before);
    const std::lock_guard lock(mutex);
    CHECK(in_listener == ours);
}

} // namespace
