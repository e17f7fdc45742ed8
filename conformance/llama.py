"""The server of llama.cpp with a model; prints its address, then serves for ever.

    python3 conformance/llama.py MODEL.gguf [embedding]
"""

import sys
import threading

import xllamacpp


def main():
    settings = xllamacpp.CommonParams()
    settings.model.path = sys.argv[1]
    settings.n_ctx = 98_304
    settings.n_parallel = 1
    settings.n_predict = 400
    settings.cpuparams.n_threads = 1
    settings.cpuparams_batch.n_threads = 1
    settings.n_threads_http = 4
    settings.port = 0
    settings.use_jinja = True
    settings.warmup = False
    settings.model_alias = {"m"}
    settings.embedding = sys.argv[2:] == ["embedding"]
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
