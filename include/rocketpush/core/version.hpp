#ifndef ROCKETPUSH_CORE_VERSION_HPP
#define ROCKETPUSH_CORE_VERSION_HPP

/// The library's version: this header is its one home, build files read it from here.
#define ROCKETPUSH_VERSION_MAJOR 0
#define ROCKETPUSH_VERSION_MINOR 1
#define ROCKETPUSH_VERSION_PATCH 0
#define ROCKETPUSH_VERSION_STRING "0.1.0"

#endif
