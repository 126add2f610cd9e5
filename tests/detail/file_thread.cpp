#include <rocketpush/detail/file_thread.hpp>

#include <asio/io_context.hpp>
#include <asio/strand.hpp>

#include <future>
#include <thread>
#include <utility>

#include "tests/support/catch.hpp"

namespace {

using rocketpush::detail::file_thread;

TEST_CASE("a job runs on the file thread, its end is heard on the strand", "[file_thread]") {
    asio::io_context context{1};
    const auto work = asio::make_work_guard(context);
    file_thread files;
    std::thread::id there, here;
    for (int i = 0; i < 3; ++i) {
        files.run(
            asio::make_strand(context), [&] { there = std::this_thread::get_id(); },
            [&] {
                here = std::this_thread::get_id();
                context.stop();
            });
        context.run();
        context.restart();
        CHECK(here == std::this_thread::get_id());
        CHECK(there != here);
    }
}

TEST_CASE("a file thread that moved before its first job is as good", "[file_thread]") {
    asio::io_context context{1};
    const auto work = asio::make_work_guard(context);
    file_thread first;
    file_thread second(std::move(first));
    bool heard = false;
    second.run(
        context.get_executor(), [] {},
        [&] {
            heard = true;
            context.stop();
        });
    context.run();
    CHECK(heard);
}

TEST_CASE("a file thread goes while a job hangs, and then tells nobody", "[file_thread]") {
    std::promise<void> begun, go_on;
    {
        asio::io_context context{1};
        {
            file_thread files;
            files.run(
                context.get_executor(),
                [&begun, wait = go_on.get_future()] {
                    begun.set_value();
                    wait.wait();
                },
                [] { FAIL("nobody is there to be told"); });
            begun.get_future().wait();
        }
        context.run(); // nothing was posted
    }                  // and the context may go
    go_on.set_value();
}

} // namespace
