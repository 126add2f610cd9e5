#ifndef ROCKETPUSH_TESTS_SUPPORT_CATCH_HPP
#define ROCKETPUSH_TESTS_SUPPORT_CATCH_HPP

/// Catch2, whichever is installed: Debian 12 has 2.13, others 3.x.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#endif
