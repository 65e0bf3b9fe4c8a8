#!/usr/bin/python3
"""A data plane that forwards nothing: answers the API as api.h describes it, written independently of our own codec.

fake_dp.py --run-dir DIR; DIR/mode holds words that change its behaviour:
  exit        ends at once            stubborn  ignores SIGTERM
  revision9   is of another release   refuse    refuses every document
Every document it takes is a line in DIR/applied; every start a line in DIR/starts; every endpoint it is told a line in
DIR/endpoints.
"""
import json
import os
import signal
import socket
import struct
import sys
import threading
import time

run_dir = sys.argv[sys.argv.index("--run-dir") + 1]


def mode():
    try:
        with open(run_dir + "/mode") as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def note(name, text):
    with open(run_dir + "/" + name, "a") as file:
        file.write(text + "\n")


started = int(time.time())
state = None
generation = 0
endpoints = {}


def is_name(endpoint):
    return endpoint[:1].isalpha()


def status():
    peers = []
    for peer in (state or {}).get("peers", []):
        peers.append({
            "name": peer["name"], "public_key": peer["public_key"], "name_trouble": "",
            "endpoint": endpoints.get(peer["name"], "") if is_name(peer["endpoint"]) else peer["endpoint"],
            "endpoint_name": peer["endpoint"] if is_name(peer["endpoint"]) else "", "connected": True, "last_handshake_seconds": started,
            "last_received_age": 0.5, "handshake_pending_seconds": 0, "transmit_bytes": 1000, "receive_bytes": 2000,
            "outbound_packets": 10, "outbound_bytes": 900, "inbound_packets": 20, "inbound_bytes": 1800,
            "lost_packets": 0, "duplicate_packets": 0,
            "reordered_packets": 0, "held_packets": 0, "memory_bytes": 6144, "rotating": False, "lanes": [], "remote": peer["remote"], "local": peer["local"]})
    return {
        "version": "fake", "pid": os.getpid(), "started_seconds": started, "generation": generation,
        "name": (state or {}).get("name", ""), "public_key": "", "aead": "none", "memory": "ordinary pages",
        "polling": "adaptive", "listen_ports": [51820], "drift": [], "ports": [], "peers": peers, "drops": [],
        "walks": [{"direction": "outbound", "received": 5, "originated": 0, "resumed": 0, "transmitted": 5,
                   "dropped": 0, "punted": []}],
        "handshakes": []}


def answer(request):
    global state, generation
    response = {"revision": 3, "error": "", "errors": [], "generation": generation, "changed": False, "trace": []}
    if "revision9" in mode():
        return {"revision": 9, "novelty": True}
    if request["method"] == "apply":
        if "refuse" in mode():
            return {**response, "error": "no such interface"}
        if request["state"] != state:
            state = request["state"]
            generation += 1
            note("applied", json.dumps(state))
            response["changed"] = True
        response["generation"] = generation
    elif request["method"] == "endpoint":
        endpoints[request["endpoint"]["peer"]] = request["endpoint"]["endpoint"]
        note("endpoints", json.dumps(request["endpoint"]))
        response["changed"] = True
    elif request["method"] == "state":
        response["state"] = state
    else:
        response["status"] = status()
    return response


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def serve(connection):
    try:
        while True:
            size = struct.unpack(">I", read_exactly(connection, 4))[0]
            text = json.dumps(answer(json.loads(read_exactly(connection, size)))).encode()
            connection.sendall(struct.pack(">I", len(text)) + text)
    except (ConnectionError, OSError):
        connection.close()


note("starts", str(os.getpid()))
if "exit" in mode():
    sys.exit(7)
signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in mode() else lambda *_: os._exit(0))
path = run_dir + "/dp.sock"
if os.path.exists(path):
    os.unlink(path)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(16)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
