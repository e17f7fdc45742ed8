"""The stand-in model server, for measurements of whole runs."""

import re
import subprocess
import sys


class StandIn:
    """The server, as long as it is needed; `more` are further arguments of `atelier-testkit serve`."""

    def __init__(self, testkit, fixture, latency_ms, *more):
        argv = [testkit, "serve", "--mode", "oracle", "--fixture", fixture]
        argv += ["--latency-ms", str(latency_ms), *more]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            found = re.search(r"http://[0-9.]+:[0-9]+", line)
            if found:
                self.url = found.group()
                return
        sys.exit("the stand-in model server did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
