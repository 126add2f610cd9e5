#ifndef ROCKETCAT_CLUSTER_NAMES_HPP
#define ROCKETCAT_CLUSTER_NAMES_HPP

#include <rocketpush/core/endpoint.hpp>

#include <string>
#include <vector>

namespace rocketcat {

// Names that more than one command is given. @throw usage_error  It is none.

/// The value of --namesrv.
std::vector<rocketpush::endpoint> read_name_servers(const std::string& typed);

/// With its namespace, if there is one.
std::string read_topic(const std::string& name_space, const std::string& topic);
std::string read_group(const std::string& name_space, const std::string& group);

} // namespace rocketcat

#endif
