#!/usr/bin/python3
"""A DNS server for one test: dns.py ADDRESS ZONE_FILE.

ZONE_FILE has lines "name address..."; it is read anew for each question, so that a test changes it while it is served.
A name that is not in it does not exist. While the file holds the line "silent", nobody is answered.
"""
import ipaddress
import socket
import struct
import sys

A, AAAA = 1, 28
NO_SUCH_NAME = 3


def zone():
    with open(sys.argv[2]) as file:
        return {words[0].lower(): words[1:] for words in map(str.split, file) if words}


def question(packet):
    """Its name, its type, and where it ends."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels).lower(), struct.unpack_from(">H", packet, at + 1)[0], at + 5


def answer(packet, records):
    name, kind, end = question(packet)
    found = [ipaddress.ip_address(text).packed for text in records.get(name, [])]
    fitting = [data for data in found if len(data) == {A: 4, AAAA: 16}.get(kind)]
    head = packet[:2] + struct.pack(">BBHHHH", 0x85, 0x80 | (0 if name in records else NO_SUCH_NAME), 1, len(fitting), 0, 0)
    # Each record's name is a pointer to the question's.
    body = b"".join(struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(data)) + data for data in fitting)
    return head + packet[12:end] + body


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
print("listening", flush=True)
while True:
    query, client = server.recvfrom(4096)
    known = zone()
    if "silent" not in known:
        server.sendto(answer(query, known), client)
