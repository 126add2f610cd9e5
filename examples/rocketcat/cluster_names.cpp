#include "cluster_names.hpp"

#include <rocketpush/core/names.hpp>
#include <rocketpush/core/namespaces.hpp>

#include <fmt/format.h>

#include <utility>

#include "exit_codes.hpp"

namespace rocketcat {

std::vector<rocketpush::endpoint> read_name_servers(const std::string& typed) {
    auto servers = rocketpush::parse_name_servers(typed);
    if (!servers)
        throw usage_error(fmt::format("--namesrv {}: it is HOST:PORT, several separated by ';'", typed));
    return std::move(*servers);
}

std::string read_topic(const std::string& name_space, const std::string& topic) {
    auto full = rocketpush::with_namespace(name_space, topic);
    if (rocketpush::check_topic(full))
        throw usage_error(fmt::format("topic \"{}\" {}", topic, describe_name_rule(rocketpush::name_kind::topic)));
    return full;
}

std::string read_group(const std::string& name_space, const std::string& group) {
    auto full = rocketpush::with_namespace(name_space, group);
    if (rocketpush::check_group(full))
        throw usage_error(fmt::format("group \"{}\" {}", group, describe_name_rule(rocketpush::name_kind::group)));
    return full;
}

} // namespace rocketcat
