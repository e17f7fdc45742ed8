"""The process: reads HOST and PORT, serves until it is asked to stop."""

import os
import signal
import sys
import threading

from . import NAME
from .server import Handler, Server

PORT_DEFAULT = "8080"
PORT_MAX = 65535


def parse_port(text: str) -> int:
    """The port a text names; 0 means any free one.

    Raises ValueError with a message for people.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= PORT_MAX):
        raise ValueError(f"PORT must be a number from 0 to {PORT_MAX}, not {text!r}")
    return int(text)


def main() -> int:
    """Serves until SIGINT or SIGTERM, then lets requests under way finish."""
    host = os.environ.get("HOST", "127.0.0.1")
    try:
        port = parse_port(os.environ.get("PORT", PORT_DEFAULT))
        server = Server((host, port), Handler)
    except (ValueError, OSError) as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        return 2

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    print(f"listening on http://{host}:{server.port}", flush=True)
    stop.wait()
    server.shutdown()
    serving.join()
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
