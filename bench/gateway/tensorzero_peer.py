"""Starts TensorZero's gateway out of its Python package and tells its port; then it waits."""

import os
import sys
import threading

import openai
from tensorzero import patch_openai_client

client = patch_openai_client(
    openai.OpenAI(api_key="x"), config_file=sys.argv[1], async_setup=False
)
with open(sys.argv[2] + ".new", "w") as file:
    file.write(str(client.base_url.port))
os.rename(sys.argv[2] + ".new", sys.argv[2])
threading.Event().wait()
