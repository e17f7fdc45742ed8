"""The socket: reads requests, asks the router, writes responses."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import NAME, VERSION
from .router import respond


class Handler(BaseHTTPRequestHandler):
    """One request on one connection, which is closed after the response."""

    server_version = f"{NAME}/{VERSION}"
    sys_version = ""
    timeout = 10

    def answer(self) -> None:
        """Sends what the router answers."""
        response = respond(self.command, self.path)
        body = response.body()
        self.send_response(response.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, format: str, *args: object) -> None:
        """Logs one line a request to standard error, without control characters."""
        line = (format % args).encode("unicode_escape").decode()
        sys.stderr.write(f"{self.log_date_time_string()} {line}\n")


class Server(ThreadingHTTPServer):
    """A thread for each request; closing waits for those under way."""

    daemon_threads = False

    @property
    def port(self) -> int:
        """The port it listens on, also where any was asked for."""
        return int(self.server_address[1])
