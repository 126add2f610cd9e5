#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_ORDERLY_BROADCAST_MEMBER_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_ORDERLY_BROADCAST_MEMBER_HPP

#include "tests/scenario/support/virtual_member.hpp"

namespace rocketpush::test {

using orderly_broadcast_member = basic_virtual_member<orderly_function, fake_file_store>;
extern template class basic_virtual_member<orderly_function, fake_file_store>;

} // namespace rocketpush::test

#endif
