#!/usr/bin/python3
"""A bad link between two WireGuard gateways that keeps honest books about how bad it was.

lossy_link.py REPORT SEED ADDRESS PORT_A GATEWAY_A PORT_B GATEWAY_B

What GATEWAY_A (address:port) sends to PORT_A leaves for GATEWAY_B from PORT_B, and the other way round. SIGUSR1 leads
from each of these to the next:

  perfect   everything passes
  lossy     of the messages with content some are lost, some doubled, some overtaken by up to 20 others
  cut       the same, but all content of the sessions known so far is lost: nothing but an empty message can tell
  perfect

Handshakes and empty messages always pass. SIGTERM writes the report: for each receiver (a, b) what it should have
counted by the messages' counters, which are readable on the wire. The books are kept with sets that forget nothing."""

import json
import random
import select
import signal
import socket
import struct
import sys

SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python has no name for it
DATA = 4
EMPTY = 32  # bytes of a data message without content
MODES = ["perfect", "lossy", "cut", "perfect"]


class Way:
    """One direction, named by its receiver."""

    def __init__(self, out, receiver, dice):
        self.out, self.receiver, self.dice = out, receiver, dice
        self.held = []  # [how many others still pass before it, message]
        self.delivered = {}  # session -> counters
        self.newest = {}  # session -> the highest of them
        self.known, self.doomed = set(), set()
        self.counts = {"messages": 0, "lost": 0, "duplicate": 0, "reordered": 0, "lost_with_session": 0}

    def take(self, message, mode):
        for held in self.held:
            held[0] -= 1
        self.pass_on(message, mode)
        for held in [held for held in self.held if held[0] <= 0]:
            self.held.remove(held)
            self.deliver(held[1])

    def pass_on(self, message, mode):
        if message[0] != DATA or len(message) == EMPTY:
            return self.deliver(message)
        session = struct.unpack_from("<I", message, 4)[0]
        self.known.add(session)
        if mode == "perfect":
            return self.deliver(message)
        throw = self.dice.random()
        if session in self.doomed:
            self.counts["lost_with_session"] += 1
            self.counts["lost"] += 1
        elif throw < 0.04:
            self.counts["lost"] += 1
        elif throw < 0.07:
            self.deliver(message)
            self.hold(message, 0)
        elif throw < 0.10:
            self.hold(message, 1)
        else:
            self.deliver(message)

    def hold(self, message, least):
        self.held.append([self.dice.randint(least, 20), message])

    def flush(self):
        for _, message in self.held:
            self.deliver(message)
        self.held.clear()

    def deliver(self, message):
        self.out.sendto(message, self.receiver)
        if message[0] != DATA:
            return
        session, counter = struct.unpack_from("<IQ", message, 4)
        came = self.delivered.setdefault(session, set())
        self.counts["messages"] += 1
        if counter in came:
            self.counts["duplicate"] += 1
        elif counter < self.newest.get(session, 0):
            self.counts["reordered"] += 1
        came.add(counter)
        self.newest[session] = max(counter, self.newest.get(session, 0))


class Link:
    def __init__(self, report, seed, address, port_a, gateway_a, port_b, gateway_b):
        self.report, self.mode = report, 0
        dice = random.Random(int(seed))
        at_a, at_b = self.bound(address, port_a), self.bound(address, port_b)
        to_a, to_b = Way(at_a, self.parsed(gateway_a), dice), Way(at_b, self.parsed(gateway_b), dice)
        self.ways = {"a": to_a, "b": to_b}
        self.from_socket = {at_a: to_b, at_b: to_a}
        self.wanted_mode, self.over = 0, False
        signal.signal(signal.SIGUSR1, self.next_mode)
        signal.signal(signal.SIGTERM, self.end)

    @staticmethod
    def bound(address, port):
        at = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # A link that is late to its queue would lose what it does not know of.
        at.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        at.bind((address, int(port)))
        return at

    @staticmethod
    def parsed(gateway):
        address, port = gateway.split(":")
        return address, int(port)

    def next_mode(self, *_):
        self.wanted_mode += 1

    def end(self, *_):
        self.over = True

    # Between two messages, so that no message sees half a change.
    def change_mode(self):
        self.mode += 1
        for way in self.ways.values():
            if MODES[self.mode] == "cut":
                way.doomed = set(way.known)
        if MODES[self.mode] == "perfect":
            self.flush()
        print(MODES[self.mode], flush=True)

    def flush(self):
        for way in self.ways.values():
            way.flush()

    def run(self):
        print("ready", flush=True)
        while not self.over:
            if self.mode != self.wanted_mode:
                self.change_mode()
            readable = select.select(list(self.from_socket), [], [], 0.05)[0]
            for at in readable:
                self.from_socket[at].take(at.recv(65535), MODES[self.mode])
            if not readable:
                self.flush()  # nothing comes that could overtake the held ones
        with open(self.report, "w") as out:
            json.dump({name: way.counts for name, way in self.ways.items()}, out)


Link(*sys.argv[1:]).run()
