#include "tests/scenario/support/virtual_member_impl.hpp"

template class rocketpush::test::basic_virtual_member<rocketpush::test::orderly_function,
                                                      rocketpush::test::fake_file_store>;
