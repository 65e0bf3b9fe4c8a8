#!/usr/bin/python3
"""inner.py sent|received PEER SOURCE DESTINATION <status.json: the addresses inside the tunnel.

Nobody outside the two gateways can capture a packet inside the tunnel: that is what the tunnel is for. But both ends of
its way can be captured, and each gateway says which maps it runs. `sent` takes the addresses as the sending pod used
them and the sender's maps, `received` those that the receiving pod saw and the receiver's maps. That both lead to the
same pair is evidence that neither used the other's knowledge."""

import ipaddress
import json
import sys


def translate(address, maps, old, new):
    address = ipaddress.ip_address(address)
    matching = [m for m in maps if address in ipaddress.ip_network(m[old])]
    if not matching:
        return str(address)
    best = max(matching, key=lambda m: ipaddress.ip_network(m[old]).prefixlen)
    host = int(address) - int(ipaddress.ip_network(best[old]).network_address)
    return str(ipaddress.ip_network(best[new]).network_address + host)


def main():
    walk, name, source, destination = sys.argv[1:]
    peer = next(peer for peer in json.load(sys.stdin)["peers"] if peer["name"] == name)
    if walk == "sent":
        source = translate(source, peer["local"], "real", "seen_as")
        destination = translate(destination, peer["remote"], "seen_as", "real")
    else:
        source = translate(source, peer["remote"], "seen_as", "real")
        destination = translate(destination, peer["local"], "real", "seen_as")
    print(f"{source} > {destination}")


main()
