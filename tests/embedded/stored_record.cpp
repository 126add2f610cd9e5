#include <rocketpush/embedded/stored_record.hpp>

#include "tests/support/catch.hpp"

#include <array>
#include <string>

using namespace rocketpush;

TEST_CASE("a stored message is read back as it was", "[embedded]") {
    const std::string long_topic(133, 't');
    for (const std::string& topic : {std::string("orders"), long_topic}) {
        for (const bool v6 : {false, true}) {
            protocol::stored_message message;
            message.topic           = topic;
            message.body            = "body";
            message.properties      = "TAGS\x01paid\x02";
            message.queue_id        = 3;
            message.flag            = -5;
            message.queue_offset    = 77;
            message.sys_flag        = sys_flags::compressed;
            message.born_timestamp  = 1000;
            message.store_timestamp = 2000;
            message.reconsume_times = 2;
            if (v6)
                message.born_host = host_address(std::array<unsigned char, 16>{1, 2, 3}, 99);
            std::string record;
            protocol::append_stored_message(record, message);

            auto read = embedded::read_stored(record);
            CHECK(read.topic == topic);
            CHECK(read.body == "body");
            CHECK(read.properties == message.properties);
            CHECK(read.born_host == message.born_host);
            CHECK(read.store_timestamp == 2000);
            std::string again;
            protocol::append_stored_message(again, read);
            CHECK(again == record);
        }
    }
}
