"""The service with a socket, and as a process of its own."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from {{module}}.__main__ import parse_port
from {{module}}.server import Handler, Server

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"


class Quiet(Handler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def request(port: int, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


class Serving(unittest.TestCase):
    def setUp(self) -> None:
        self.server = Server((HOST, 0), Quiet)
        serving = threading.Thread(target=self.server.serve_forever)
        serving.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(serving.join)
        self.addCleanup(self.server.shutdown)

    def test_it_answers_with_json(self) -> None:
        status, headers, body = request(self.server.port, "GET", "/health")
        self.assertEqual((status, body), (200, b'{"status": "ok"}\n'))
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(headers["Content-Length"], str(len(body)))

    def test_head_has_the_headers_and_no_body(self) -> None:
        status, headers, body = request(self.server.port, "HEAD", "/health")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(headers["Content-Length"], "17")

    def test_errors_are_json_too(self) -> None:
        self.assertEqual(request(self.server.port, "GET", "/nothing")[0], 404)
        status, headers, _ = request(self.server.port, "POST", "/health")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))

    def test_requests_at_the_same_time_are_all_answered(self) -> None:
        statuses: list[int] = []

        def ask() -> None:
            statuses.append(request(self.server.port, "GET", "/health")[0])

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [200] * 8)


class Process(unittest.TestCase):
    def start(self, port: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "{{module}}"],
            cwd=ROOT,
            env={**os.environ, "HOST": HOST, "PORT": port},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    @unittest.skipIf(sys.platform == "win32", "there is no SIGTERM to handle")
    def test_it_serves_until_it_is_asked_to_stop(self) -> None:
        process = self.start("0")
        assert process.stdout is not None
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        self.assertEqual(request(port, "GET", "/health")[0], 200)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=30), 0)

    def test_a_port_that_is_none_is_a_usage_error(self) -> None:
        process = self.start("http")
        _, message = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 2)
        self.assertIn("PORT must be a number from 0 to 65535", message)

    def test_ports_are_numbers_in_range(self) -> None:
        self.assertEqual([parse_port("0"), parse_port("65535")], [0, 65535])
        for text in ("", "-1", "65536", "80x", "８０"):
            with self.assertRaises(ValueError):
                parse_port(text)


if __name__ == "__main__":
    unittest.main()
