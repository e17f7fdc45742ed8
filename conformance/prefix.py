"""How much of a conversation that goes on is read out of the model's memory of what it read before.

    python3 conformance/prefix.py BINARY

A real server of llama.cpp remembers the last prompt and counts what it did not have to read again.
Between a program and that server stands the gateway, with and without a change of dialect: whatever
it writes anew must begin with the same bytes, or all of it is read afresh.
"""

import json
import os
import sys
import urllib.request

from clients import Llama
from gateway import Gateway

DIALECTS = ("chat", "responses", "messages")
TURNS = 4
# Of what was read at the turn before, so much must not be read again.
SHARE_MIN = 0.9
STANDING = "You are a technical lead who answers in few words. " * 60


def item(role, content):
    kind = "output_text" if role == "assistant" else "input_text"
    text = {"type": kind, "text": content}
    return {"type": "message", "role": role, "content": [text]}


def body(client, name, talk):
    standing = f"{name}. {STANDING}"
    if client == "responses":
        said = [item(**message) for message in talk]
        return {"model": "m", "instructions": standing, "input": said, "max_output_tokens": 20}
    if client == "messages":
        return {"model": "m", "system": standing, "messages": talk, "max_tokens": 20}
    first = {"role": "system", "content": standing}
    return {"model": "m", "messages": [first, *talk], "max_tokens": 20}


def counts(client, usage):
    """Tokens of the prompt, and those of them that were remembered."""
    if client == "messages":
        cached = usage["cache_read_input_tokens"]
        return usage["input_tokens"] + cached, cached
    if client == "responses":
        return usage["input_tokens"], usage["input_tokens_details"]["cached_tokens"]
    return usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"]


def ask(url, client, asked):
    paths = {"chat": "chat/completions", "responses": "responses", "messages": "messages"}
    # An answer that was given before would count what it counted then.
    headers = {"content-type": "application/json", "cache-control": "no-cache"}
    address = f"{url}/v1/{paths[client]}"
    request = urllib.request.Request(address, json.dumps(asked).encode(), headers)
    return json.load(urllib.request.urlopen(request, timeout=120))["usage"]


def converse(url, client, name):
    """The smallest share of a prompt that its turn before had and that was remembered."""
    talk = [{"role": "user", "content": "Write a todo list. " * 40}]
    before, shares = 0, []
    for turn in range(TURNS):
        prompt, cached = counts(client, ask(url, client, body(client, name, talk)))
        if turn:
            shares.append(cached / before)
        before = prompt
        talk.append({"role": "assistant", "content": "Here it is, as you wished. " * 5})
        talk.append({"role": "user", "content": f"Once more, and {turn} of it. " * 10})
    return min(shares)


def main():
    binary = os.path.abspath(sys.argv[1])
    llama = Llama()
    failed = 0
    print("| program speaks | server speaks | remembered of the turn before |\n|---|---|--:|")
    for upstream in DIALECTS:
        with Gateway(binary, upstream, llama.url) as gateway:
            for client in DIALECTS:
                share = converse(gateway.url, client, f"{client} to {upstream}")
                failed += share < SHARE_MIN
                print(f"| {client} | {upstream} | {share:.0%} |", flush=True)
    llama.close()
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
