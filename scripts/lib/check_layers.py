#!/usr/bin/python3
"""Includes go downwards only, and each outside library stays where it belongs (the house's floors)."""

import fnmatch
import re
import sys

import sources

PACKET = ["dataplane/packet"]
PIPELINE = PACKET + ["nat", "tunnel", "dataplane/route", "dataplane/pipeline"]
CONFIG = PIPELINE + ["dataplane/config"]

# A folder, and the folders whose headers it may include.
FLOORS = {
    # 0
    "dataplane/packet": PACKET,
    # 1: none knows another
    "nat": PACKET + ["nat"],
    "tunnel": PACKET + ["tunnel"],
    "dataplane/route": PACKET + ["dataplane/route"],
    # 2
    "dataplane/pipeline": PIPELINE,
    "dataplane/config": CONFIG,
    # 3: the two processes meet at the API socket only
    "dataplane/io": CONFIG + ["dataplane/io"],
    "dataplane/service": CONFIG + ["dataplane/service"],
    "control": CONFIG + ["control"],
    # the program that joins a process's parts
    "dataplane": CONFIG + ["dataplane/io", "dataplane/service"],
}

# <header> patterns, and the files that may include them. What is in no row is everybody's, but the pure files below:
# they get the standard library and what a row grants them.
LIBRARIES = [
    ("rte_*", ["dataplane/io/*", "dataplane/isthmus_dp.cc"]),
    ("openssl/*", ["tunnel/crypto*", "tunnel/aead*", "control/*"]),
    ("*intrin.h", ["tunnel/aead*"]),
    ("arpa/inet.h", ["dataplane/packet/address.cc"]),  # an IPv6 address as text has more rules than we want to own
    ("boost/lockfree/*", ["dataplane/pipeline/*", "dataplane/service/*"]),
    ("boost/json*", ["dataplane/config/codec*", "control/*"]),
    ("boost/asio*", ["dataplane/config/api_server*", "dataplane/config/framed_stream*", "dataplane/service/*",
                    "dataplane/isthmus_dp.cc", "control/*"]),
    ("boost/*", ["dataplane/service/*", "control/*"]),
    ("yaml-cpp/*", ["control/*"]),
    ("CLI/*", ["control/*", "dataplane/isthmus_dp.cc"]),
    ("libmnl/*", ["dataplane/service/*", "control/*"]),
    ("libnftnl/*", ["dataplane/service/*", "control/*"]),
]
STANDARD = re.compile(r"[a-z_0-9]+")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def fault_of_own(folder, header):
    if not (sources.ROOT / header).is_file():
        return f'"{header}" is not a path from the root'
    below = header.rsplit("/", 1)[0]
    if folder in FLOORS and below not in FLOORS[folder]:
        return f"{folder} must not know {below}"
    return None


def fault_of_library(path, header):
    for pattern, allowed in LIBRARIES:
        if fnmatch.fnmatch(header, pattern):
            if any(fnmatch.fnmatch(path, place) for place in allowed):
                return None
            return f"<{header}> belongs in {', '.join(allowed)} only"
    if any(fnmatch.fnmatch(path, place) for place in sources.PURE) and not STANDARD.fullmatch(header):
        return f"<{header}>: this part asks nothing of the operating system"
    return None


def main():
    faults = 0
    for path, text in sources.files():
        folder = path.rsplit("/", 1)[0]
        if folder not in FLOORS:  # tests and benches look into everything
            continue
        for number, line in enumerate(text.split("\n"), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, header = match.groups()
            fault = fault_of_own(folder, header) if quote == '"' else fault_of_library(path, header)
            if fault:
                faults += 1
                print(f"{path}:{number}: {fault}")
    return 1 if faults else 0


sys.exit(main())
