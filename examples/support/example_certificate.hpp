#ifndef ROCKETPUSH_EXAMPLES_EXAMPLE_CERTIFICATE_HPP
#define ROCKETPUSH_EXAMPLES_EXAMPLE_CERTIFICATE_HPP

#include <string>

/// A certificate of 127.0.0.1 that is its own CA, and its key, in PEM; made anew by each call, for the broker inside an example.
struct example_certificate {
    example_certificate();
    std::string certificate, key;
};

#endif
