#!/usr/bin/python3
"""A numbered stream of datagrams, so that a test can say how many were lost and how long the longest silence was.

stream.py receive PORT FILE                     until SIGTERM; then writes its report to FILE
stream.py send ADDRESS PORT PER_SECOND SECONDS  prints how many it sent

The report is JSON: received, duplicates, first, last (numbers), missing (numbers between 0 and last that never came),
longest_gap (seconds between two arrivals in succession) and longest_gap_at (seconds after the first arrival)."""

import json
import signal
import socket
import struct
import sys
import time

SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python has no name for it


def receive(port, file):
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # A receiver that is late to its queue would count as loss of the network.
    receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    receiver.bind(("", port))
    arrivals = []

    def report(*_):
        numbers = [number for number, _ in arrivals]
        seen = set(numbers)
        last = max(numbers, default=-1)
        gaps = [(b[1] - a[1], a[1] - arrivals[0][1]) for a, b in zip(arrivals, arrivals[1:])]
        gap, gap_at = max(gaps, default=(0, 0))
        with open(file, "w") as out:
            json.dump({"received": len(numbers), "duplicates": len(numbers) - len(seen), "first": min(numbers, default=-1),
                       "last": last, "missing": [n for n in range(last + 1) if n not in seen],
                       "longest_gap": round(gap, 4), "longest_gap_at": round(gap_at, 4)}, out)
        sys.exit(0)

    signal.signal(signal.SIGTERM, report)
    while True:
        text = receiver.recv(2048)
        arrivals.append((struct.unpack_from("!Q", text)[0], time.monotonic()))


def send(address, port, per_second, seconds):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect((address, port))
    start = time.monotonic()
    count = int(per_second * seconds)
    for number in range(count):
        delay = start + number / per_second - time.monotonic()
        if delay > 0:
            time.sleep(delay)
        # Lengths differ, so that padding is exercised too; 719 is prime, so any second has them all, evenly.
        sender.send(struct.pack("!Q", number) + b"x" * (number * 719 % 1200))
    print(count)


if sys.argv[1] == "receive":
    receive(int(sys.argv[2]), sys.argv[3])
else:
    send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
