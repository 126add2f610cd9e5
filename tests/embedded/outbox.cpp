#include <rocketpush/embedded/outbox.hpp>

#include "tests/support/catch.hpp"

using rocketpush::embedded::connection_id;
using rocketpush::embedded::outbox;

TEST_CASE("frames wait for their connection until they are taken", "[embedded]") {
    outbox out;
    out.open(1);
    out.frames_to(1) += "one";
    out.frames_to(1) += "two";
    CHECK(out.waiting_for(1) == 6);
    CHECK(out.take_fresh() == std::vector<connection_id>{1});
    CHECK(out.take_fresh().empty());
    std::string frames = "old";
    CHECK(out.take_frames(1, frames));
    CHECK(frames == "onetwo");
    CHECK(!out.take_frames(1, frames));
    CHECK(frames.empty());
}

TEST_CASE("what goes to an ended connection is dropped", "[embedded]") {
    outbox out;
    out.open(1);
    out.open(2);
    out.close(1);
    out.close(1);
    out.forget(2);
    out.frames_to(1) += "lost";
    out.frames_to(2) += "lost";
    std::string frames;
    CHECK(!out.take_frames(1, frames));
    CHECK(out.take_fresh().empty());
    CHECK(out.take_closing() == std::vector<connection_id>{1});
    CHECK(out.take_closing().empty());
    CHECK(out.connections().empty());
}
