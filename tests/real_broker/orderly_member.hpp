#ifndef ROCKETPUSH_TESTS_REAL_BROKER_ORDERLY_MEMBER_HPP
#define ROCKETPUSH_TESTS_REAL_BROKER_ORDERLY_MEMBER_HPP

#include <rocketpush/consume/orderly.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <functional>
#include <memory>
#include <string>

#include "member.hpp"

namespace rocketpush::test {

/// What a member does with a message after the journal has it.
using orderly_function = std::function<consume_result(const message_view&, orderly_context&)>;

/// A push consumer in order that writes down what it sees. Compiled once, in orderly_member.cpp.
class orderly_member {
  public:
    orderly_member(std::string name, journal& to, options with, orderly_function then = {});
    ~orderly_member();
    orderly_member(const orderly_member&)            = delete;
    orderly_member& operator=(const orderly_member&) = delete;

    orderly_member& subscribe(const std::string& topic);
    orderly_member& start();
    void stop();
    consumer_statistics statistics();

  private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace rocketpush::test

#endif
