#!/usr/bin/python3
"""Frames that no honest machine sends, thrown at one port of a gateway.

hostile.py cluster DEVICE GATEWAY_MAC SOURCE DESTINATION WHAT    as a pod's machine; both addresses are honest ones
hostile.py underlay DEVICE GATEWAY_MAC SOURCE DESTINATION WHAT   as whoever holds the wire; sees a real message first

WHAT is "table": one of each kind; prints a line for each reason that must have been counted: "reason count". Or it is
"mutate COUNT SEED": honest frames with bytes changed at random."""

import collections
import random
import socket
import struct
import sys
import time

REPEAT = 5
PORT = 51820


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, protocol, payload, *, version_ihl=0x45, total=None, fragment=0, ttl=64, right=True):
    total = 20 + len(payload) if total is None else total
    head = struct.pack("!BBHHHBBH4s4s", version_ihl, 0, total, 7, fragment, ttl, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(destination))
    check = checksum(head) if right else checksum(head) ^ 0x0101
    return head[:10] + struct.pack("!H", check) + head[12:] + payload


def udp(payload, *, source=9999, destination=9, length=None):
    return struct.pack("!HHHH", source, destination, 8 + len(payload) if length is None else length, 0) + payload


def tcp(payload, *, offset=5):
    return struct.pack("!HHIIBBHHH", 9999, 9, 1, 0, offset << 4, 2, 1000, 0, 0) + payload


def echo(payload):
    head = struct.pack("!BBHHH", 8, 0, 0, 1, 1)
    return struct.pack("!BBH", 8, 0, checksum(head + payload)) + head[4:] + payload


def broken_ip(source, destination):
    """What the parser refuses, whichever port it comes to."""
    text = udp(b"x" * 30)
    yield "ip_truncated", b"\x45" + b"\0" * 9
    yield "ip_truncated", ipv4(source, destination, 17, text, total=1000)
    yield "ip_header_invalid", ipv4(source, destination, 17, text, version_ihl=0x55)
    yield "ip_header_invalid", ipv4(source, destination, 17, text, version_ihl=0x44)
    yield "ip_header_invalid", ipv4(source, destination, 17, text, total=19)
    yield "ip_checksum_wrong", ipv4(source, destination, 17, text, right=False)
    yield "l4_truncated", ipv4(source, destination, 17, udp(b"x" * 30, length=2000))
    yield "l4_truncated", ipv4(source, destination, 17, udp(b"", length=7))
    yield "l4_truncated", ipv4(source, destination, 6, tcp(b"", offset=15))
    yield "l4_truncated", ipv4(source, destination, 6, tcp(b"", offset=4))
    yield "l4_truncated", ipv4(source, destination, 6, b"1234")
    yield "l4_truncated", ipv4(source, destination, 1, b"1234")
    yield "fragment_invalid", ipv4(source, destination, 17, b"x" * 100, fragment=0x1FFF)
    yield "fragment_invalid", ipv4(source, destination, 17, b"", fragment=0x0010)
    yield "fragment_invalid", ipv4(source, destination, 6, b"x" * 16, fragment=0x0001)  # RFC 1858: over the TCP header


def from_cluster(source, destination):
    yield from broken_ip(source, destination)
    text = udp(b"x" * 30)
    yield "no_route", ipv4(source, "10.200.0.1", 17, text)
    yield "source_not_local", ipv4("10.99.0.1", destination, 17, text)
    yield "ttl_expired", ipv4(source, destination, 17, text, ttl=1)
    yield "ttl_expired", ipv4(source, destination, 17, text, ttl=0)
    yield "too_big", ipv4(source, destination, 17, udp(b"x" * 1450), fragment=0x4000)


def from_underlay(source, destination, genuine):
    yield from broken_ip(source, destination)

    def message(payload, **changes):
        return ipv4(source, destination, 17, udp(payload, source=PORT, destination=PORT), **changes)

    yield "tunnel_message_malformed", message(b"")
    yield "tunnel_message_malformed", message(b"\x04\0\0")
    yield "tunnel_message_malformed", message(b"\x09\0\0\0" + b"x" * 60)
    yield "tunnel_message_malformed", message(b"\x04\0\0\0" + b"x" * 27)
    yield "tunnel_message_malformed", message(b"\x04\0\0\1" + b"x" * 60)
    yield "tunnel_message_malformed", message(b"\x01\0\0\0" + b"x" * 143)
    yield "tunnel_message_malformed", message(b"\x02\0\0\0" + b"x" * 89)
    yield "handshake_mac1_wrong", message(b"\x01\0\0\0" + b"x" * 144)
    yield "handshake_unawaited", message(b"\x02\0\0\0" + b"x" * 88)
    yield "handshake_unawaited", message(b"\x03\0\0\0" + b"x" * 60)
    yield "unknown_session", message(b"\x04\0\0\0" + b"\xff" * 4 + b"x" * 60)
    yield "outer_fragmented", message(b"\x04\0\0\0" + b"x" * 60, fragment=0x2000)
    # A real message once more; with another counter; with its last byte changed and a counter that may still come.
    yield "replayed", message(genuine)
    counter = int.from_bytes(genuine[8:16], "little")
    later = (counter + 3000).to_bytes(8, "little")
    yield "authentication_failed", message(genuine[:8] + later + genuine[16:])
    yield "authentication_failed", message(genuine[:8] + later + genuine[16:-1] + bytes([genuine[-1] ^ 1]))
    # A jump to the end of the counter's range must not move the replay window.
    yield "authentication_failed", message(genuine[:8] + b"\xff" * 7 + b"\x1f" + genuine[16:])


def capture_message(link, source, destination):
    """The next data message on the wire from `source` to `destination`."""
    link.settimeout(5)
    ends = socket.inet_aton(source) + socket.inet_aton(destination)
    while True:
        frame = link.recv(2048)
        if frame[12:14] == b"\x08\0" and frame[26:34] == ends and frame[23] == 17 and frame[42:46] == b"\x04\0\0\0":
            return frame[42:14 + int.from_bytes(frame[16:18], "big")]


def mutate(link, header, packets, count, seed):
    print(f"seed {seed}", file=sys.stderr)
    dice = random.Random(seed)
    for number in range(count):
        if number % 20 == 0:  # the kernel's queue between two veths holds few: its losses would look like the gateway's
            time.sleep(0.002)
        packet = bytearray(dice.choice(packets))
        for _ in range(dice.randint(1, 6)):
            packet[dice.randrange(min(len(packet), 80))] = dice.randrange(256)
        if dice.random() < 0.5:  # let what lies behind the checksum be looked at as well
            packet[10:12] = b"\0\0"
            packet[10:12] = struct.pack("!H", checksum(bytes(packet[:4 * max(packet[0] & 15, 5)])))
        if dice.random() < 0.2:
            packet = packet[: dice.randint(1, len(packet))]
        link.send(header + bytes(packet))


def main():
    port, device, mac, source, destination, what, *rest = sys.argv[1:]
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # every protocol: it listens too
    link.bind((device, 0))
    header = bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("02000000aaaa") + b"\x08\0"
    if port == "cluster":
        cases = list(from_cluster(source, destination))
        honest = [ipv4(source, destination, 17, udp(b"x" * 200)), ipv4(source, destination, 6, tcp(b"x" * 200)),
                  ipv4(source, destination, 1, echo(b"x" * 200)), ipv4(source, destination, 17, b"x" * 200, fragment=0x2010)]
    else:
        genuine = capture_message(link, source, destination)
        cases = list(from_underlay(source, destination, genuine))
        honest = [ipv4(source, destination, 17, udp(text, source=PORT, destination=PORT))
                  for text in (genuine, b"\x01\0\0\0" + b"x" * 144, b"\x02\0\0\0" + b"x" * 88, b"\x03\0\0\0" + b"x" * 60)]

    if what == "mutate":
        mutate(link, header, honest, int(rest[0]), int(rest[1]))
        return
    counts = collections.Counter()
    for reason, packet in cases:
        for _ in range(REPEAT):
            link.send(header + packet)
            counts[reason] += 1
    # What is not IPv4 belongs to the kernel that owns the port, so nothing may be counted: IPv6, ARP cut short, and a
    # type that nobody knows.
    for ethertype, packet in ((b"\x86\xdd", b"\x60" + b"\0" * 39), (b"\x08\x06", b"\0\1\x08\0"), (b"\xca\xfe", b"?")):
        link.send(header[:12] + ethertype + packet)
    for reason, count in sorted(counts.items()):
        print(reason, count)


main()
