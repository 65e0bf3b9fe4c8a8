#!/usr/bin/python3
"""web.py DIRECTORY PORT: an HTTP server of that directory's files.

`python3 -m http.server` asks the name service for its own name before it listens. A pod of the pilot has no name
service, and waits for one that the machine may have configured until that times out."""

import functools
import http.server
import socketserver
import sys


class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


directory, port = sys.argv[1:]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=directory)
Server(("", int(port)), handler).serve_forever()
