#!/usr/bin/python3
"""echo.py serve PORT: TCP and UDP; answers "<the address that asked> <the text>".
echo.py ask tcp|udp ADDRESS PORT TEXT: prints the answer; fails when none comes within two seconds."""

import socket
import socketserver
import sys
import threading


class Tcp(socketserver.BaseRequestHandler):
    def handle(self):
        text = self.request.recv(65536)
        self.request.sendall(self.client_address[0].encode() + b" " + text)


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        text, server = self.request
        server.sendto(self.client_address[0].encode() + b" " + text, self.client_address)


def serve(port):
    socketserver.TCPServer.allow_reuse_address = True
    tcp = socketserver.ThreadingTCPServer(("", port), Tcp)
    threading.Thread(target=tcp.serve_forever, daemon=True).start()
    socketserver.UDPServer(("", port), Udp).serve_forever()


def ask(kind, address, port, text):
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    client.settimeout(2)
    client.connect((address, port))
    client.sendall(text.encode())
    print(client.recv(65536).decode())


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    ask(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
