"""What brokers wrote of connections that ended: the evidence for those that nobody of us cut, as on a machine that is too busy to answer."""

import datetime
import re

LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) .*remove not active channel\[.*?L:/[\d.]+:(\d+) .*?clientId=[^@,]*@([\w.-]+)")


def ended_connections(text, broker_names):
    """(seconds since 1970, broker, client's instance name) of each. The first broker has the lower port."""
    found = [(LINE.match(line)) for line in text.splitlines() if "remove not active channel" in line]
    found = [match for match in found if match]
    ports = sorted({int(match[3]) for match in found})
    names = dict(zip(ports, broker_names))
    return [(datetime.datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").timestamp() + int(match[2]) / 1000, names.get(int(match[3]), ""),
             match[4]) for match in found]
