"""The gateway beside another translator: the same exchange through both, before one stand-in.

    python3 conformance/differential.py BINARY [--all]

Both are asked the same in four dialects, with providers of four dialects behind them, whole and
streamed. Compared are what the client is told (text, calls, why it ended, tokens) and what the
provider is asked (conversation, tools, form, settings). Neither is the oracle: every disagreement
needs an explanation in differences.json, and one without is a failure.
"""

import collections
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import standin
from gateway import PROVIDERS, Gateway, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(os.path.dirname(HERE), "target", "tools")
DIALECTS = list(PROVIDERS)
START_SECONDS_MAX = 120
UPSTREAMS = {
    "chat": "openai/m",
    "responses": "openai/responses/m",
    "messages": "anthropic/m",
    "gemini": "gemini/m",
}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ARGUMENTS = {"city": "Zürich \"am See\"", "days": 3}

# What is asked, in no dialect.
SCENES = {
    "plain": {"turns": [("user", "How many leaves?")]},
    "system": {"system": "Be brief.", "turns": [("user", "How many leaves?")]},
    "talk": {
        "system": "Be brief.",
        "turns": [("user", "Hi"), ("model", "Hello!"), ("user", "Count.")],
    },
    "settings": {
        "turns": [("user", "Count.")],
        "temperature": 0.5,
        "top_p": 0.9,
        "limit": 77,
        "stop": ["END"],
    },
    "tool": {"turns": [("user", "Weather?")], "tools": ["forecast"]},
    "tools": {"turns": [("user", "Weather?")], "tools": ["forecast", "climate"]},
    "must": {"turns": [("user", "Weather?")], "tools": ["forecast"], "choice": "must"},
    "result": {
        "turns": [("user", "Weather?"), ("call", "forecast"), ("result", "sunny")],
        "tools": ["forecast"],
    },
    "form": {"turns": [("user", "A trip.")], "form": True},
    "image": {"turns": [("user", "What is this?"), ("image", PIXEL)]},
}


# ---- asking, in every dialect --------------------------------------------------------------


def chat(scene, stream):
    messages = []
    if "system" in scene:
        messages.append({"role": "system", "content": scene["system"]})
    for kind, said in scene["turns"]:
        if kind == "user":
            messages.append({"role": "user", "content": said})
        elif kind == "model":
            messages.append({"role": "assistant", "content": said})
        elif kind == "call":
            function = {"name": said, "arguments": json.dumps(ARGUMENTS)}
            call = {"id": "call_9", "type": "function", "function": function}
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        elif kind == "result":
            messages.append({"role": "tool", "tool_call_id": "call_9", "content": said})
        else:
            url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{said}"}}
            messages[-1]["content"] = [{"type": "text", "text": messages[-1]["content"]}, url]
    body = {"model": "m", "messages": messages, "stream": stream}
    if stream:
        body["stream_options"] = {"include_usage": True}
    function = lambda name: {"name": name, "description": name, "parameters": SCHEMA}
    if "tools" in scene:
        body["tools"] = [{"type": "function", "function": function(n)} for n in scene["tools"]]
    if "choice" in scene:
        body["tool_choice"] = "required"
    if "form" in scene:
        form = {"name": "trip", "schema": SCHEMA, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    names = {"temperature": "temperature", "top_p": "top_p", "limit": "max_tokens", "stop": "stop"}
    return "/v1/chat/completions", body | settings(scene, names)


def responses(scene, stream):
    items = []
    for kind, said in scene["turns"]:
        if kind in ("user", "model"):
            role, word = ("user", "input_text") if kind == "user" else ("assistant", "output_text")
            content = [{"type": word, "text": said}]
            items.append({"type": "message", "role": role, "content": content})
        elif kind == "call":
            given = {"name": said, "arguments": json.dumps(ARGUMENTS)}
            items.append({"type": "function_call", "call_id": "call_9"} | given)
        elif kind == "result":
            items.append({"type": "function_call_output", "call_id": "call_9", "output": said})
        else:
            url = f"data:image/png;base64,{said}"
            items[-1]["content"].append({"type": "input_image", "image_url": url})
    body = {"model": "m", "input": items, "stream": stream}
    if "system" in scene:
        body["instructions"] = scene["system"]
    if "tools" in scene:
        given = {"parameters": SCHEMA, "strict": False}
        named = [{"type": "function", "name": n, "description": n} | given for n in scene["tools"]]
        body["tools"] = named
    if "choice" in scene:
        body["tool_choice"] = "required"
    if "form" in scene:
        form = {"type": "json_schema", "name": "trip", "schema": SCHEMA, "strict": True}
        body["text"] = {"format": form}
    names = {"temperature": "temperature", "top_p": "top_p", "limit": "max_output_tokens"}
    return "/v1/responses", body | settings(scene, names)


def messages(scene, stream):
    turns = []
    for kind, said in scene["turns"]:
        if kind in ("user", "model"):
            role = "user" if kind == "user" else "assistant"
            turns.append({"role": role, "content": [{"type": "text", "text": said}]})
        elif kind == "call":
            call = {"type": "tool_use", "id": "call_9", "name": said, "input": ARGUMENTS}
            turns.append({"role": "assistant", "content": [call]})
        elif kind == "result":
            result = {"type": "tool_result", "tool_use_id": "call_9", "content": said}
            turns.append({"role": "user", "content": [result]})
        else:
            source = {"type": "base64", "media_type": "image/png", "data": said}
            turns[-1]["content"].append({"type": "image", "source": source})
    body = {"model": "m", "max_tokens": 500, "messages": turns, "stream": stream}
    if "system" in scene:
        body["system"] = scene["system"]
    if "tools" in scene:
        named = [{"name": n, "description": n, "input_schema": SCHEMA} for n in scene["tools"]]
        body["tools"] = named
    if "choice" in scene:
        body["tool_choice"] = {"type": "any"}
    if "form" in scene:
        body["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
    names = {"temperature": "temperature", "top_p": "top_p", "limit": "max_tokens"}
    return "/v1/messages", body | settings(scene, names | {"stop": "stop_sequences"})


def gemini(scene, stream):
    contents = []
    for kind, said in scene["turns"]:
        if kind in ("user", "model"):
            contents.append({"role": kind, "parts": [{"text": said}]})
        elif kind == "call":
            call = {"functionCall": {"name": said, "args": ARGUMENTS}}
            contents.append({"role": "model", "parts": [call]})
        elif kind == "result":
            result = {"functionResponse": {"name": "forecast", "response": {"result": said}}}
            contents.append({"role": "user", "parts": [result]})
        else:
            data = {"inlineData": {"mimeType": "image/png", "data": said}}
            contents[-1]["parts"].append(data)
    body = {"contents": contents}
    if "system" in scene:
        body["systemInstruction"] = {"parts": [{"text": scene["system"]}]}
    if "tools" in scene:
        given = {"parametersJsonSchema": SCHEMA}
        named = [{"name": name, "description": name} | given for name in scene["tools"]]
        body["tools"] = [{"functionDeclarations": named}]
    if "choice" in scene:
        body["toolConfig"] = {"functionCallingConfig": {"mode": "ANY"}}
    names = {"temperature": "temperature", "top_p": "topP", "limit": "maxOutputTokens"}
    config = settings(scene, names | {"stop": "stopSequences"})
    if "form" in scene:
        config |= {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    if config:
        body["generationConfig"] = config
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/m:{method}", body


def settings(scene, names):
    return {name: scene[kind] for kind, name in names.items() if kind in scene}


ASKS = {"chat": chat, "responses": responses, "messages": messages, "gemini": gemini}


# ---- what the client is told ---------------------------------------------------------------


def told(dialect, stream, status, text):
    if status != 200:
        return {"status": status}
    try:
        values = parsed(text) if stream else [json.loads(text)]
        return {"status": 200} | READERS[dialect](values, stream)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        return {"status": 200, "unreadable": f"{type(error).__name__} {error}"[:80]}


def parsed(text):
    lines = (line[5:].strip() for line in text.splitlines() if line.startswith("data:"))
    return [json.loads(line) for line in lines if line and line != "[DONE]"]


def said(text="", calls=(), stop=None, tokens=None):
    read = sorted((name, json.dumps(json.loads(given or "{}"), sort_keys=True)) for name, given in calls)
    return {"text": text, "calls": read, "stop": stop, "tokens": tokens}


def told_chat(values, stream):
    text, calls, stop, tokens = "", {}, None, None
    for value in values:
        if usage := value.get("usage"):
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
            tokens = [usage["prompt_tokens"], usage["completion_tokens"], cached]
        for choice in value["choices"]:
            part = choice["delta" if stream else "message"]
            text += part.get("content") or ""
            for at, call in enumerate(part.get("tool_calls") or []):
                kept = calls.setdefault(call.get("index", at), ["", ""])
                kept[0] += call["function"].get("name") or ""
                kept[1] += call["function"].get("arguments") or ""
            stop = choice.get("finish_reason") or stop
    words = {"stop": "end", "tool_calls": "tools", "length": "length"}
    return said(text, calls.values(), words.get(stop, stop), tokens)


def told_responses(values, stream):
    if stream:
        deltas = [v["delta"] for v in values if v["type"] == "response.output_text.delta"]
        ends = [v for v in values if v["type"] in ("response.completed", "response.incomplete")]
        whole = ends[-1]["response"]
    else:
        whole = values[0]
    text, calls = "", []
    for item in whole["output"]:
        if item["type"] == "message":
            text += "".join(part.get("text") or "" for part in item["content"])
        elif item["type"] == "function_call":
            calls.append((item["name"], item["arguments"]))
    if stream and "".join(deltas) != text:
        text = f"{''.join(deltas)} / {text}"
    usage = whole.get("usage") or {}
    cached = (usage.get("input_tokens_details") or {}).get("cached_tokens") or 0
    tokens = [usage.get("input_tokens"), usage.get("output_tokens"), cached]
    stop = "tools" if calls else {"completed": "end"}.get(whole["status"], whole["status"])
    return said(text, calls, stop, tokens)


def told_messages(values, stream):
    if not stream:
        whole = values[0]
        blocks = [dict(block) for block in whole["content"]]
        for block in blocks:
            block["partial"] = json.dumps(block.get("input") or {})
        stop, usage = whole["stop_reason"], whole["usage"]
    else:
        blocks, stop, usage = {}, None, {}
        for value in values:
            if value["type"] == "message_start":
                usage |= value["message"].get("usage") or {}
            elif value["type"] == "content_block_start":
                blocks[value["index"]] = dict(value["content_block"]) | {"partial": ""}
            elif value["type"] == "content_block_delta":
                block, delta = blocks[value["index"]], value["delta"]
                block["text"] = block.get("text", "") + (delta.get("text") or "")
                block["partial"] += delta.get("partial_json") or ""
            elif value["type"] == "message_delta":
                stop = value["delta"]["stop_reason"]
                usage |= {k: v for k, v in (value.get("usage") or {}).items() if v is not None}
        if values[-1]["type"] != "message_stop":
            stop = "nothing"
        blocks = [blocks[index] for index in sorted(blocks)]
    text = "".join(block.get("text") or "" for block in blocks if block["type"] == "text")
    calls = [(block["name"], block["partial"]) for block in blocks if block["type"] == "tool_use"]
    words = {"end_turn": "end", "tool_use": "tools", "max_tokens": "length"}
    cached = usage.get("cache_read_input_tokens") or 0
    tokens = [usage.get("input_tokens", 0) + cached, usage.get("output_tokens"), cached]
    return said(text, calls, words.get(stop, stop), tokens)


def told_gemini(values, stream):
    text, calls, stop, tokens = "", [], None, None
    for value in values:
        for candidate in value.get("candidates") or []:
            for part in (candidate.get("content") or {}).get("parts") or []:
                if not part.get("thought"):
                    text += part.get("text") or ""
                if call := part.get("functionCall"):
                    calls.append((call["name"], json.dumps(call.get("args") or {})))
            stop = candidate.get("finishReason") or stop
        if usage := value.get("usageMetadata"):
            output = (usage.get("candidatesTokenCount") or 0) + (usage.get("thoughtsTokenCount") or 0)
            cached = usage.get("cachedContentTokenCount") or 0
            tokens = [usage.get("promptTokenCount"), output, cached]
    stop = "tools" if calls else {"STOP": "end", "MAX_TOKENS": "length"}.get(stop, stop)
    return said(text, calls, stop, tokens)


READERS = {
    "chat": told_chat,
    "responses": told_responses,
    "messages": told_messages,
    "gemini": told_gemini,
}


# ---- what the provider is asked ------------------------------------------------------------


def asked(seen):
    if len(seen) != 1:
        return {"asks": len(seen)}
    path, body = seen[0]
    if path.endswith("/chat/completions"):
        dialect, question = "chat", standin.of_chat(body)
        limit = body.get("max_tokens") or body.get("max_completion_tokens")
    elif path.endswith("/responses"):
        dialect, question = "responses", standin.of_responses(body)
        limit = body.get("max_output_tokens")
    elif path.endswith("/messages"):
        dialect, question = "messages", standin.of_messages(body)
        limit = body.get("max_tokens")
    else:
        body = standin.camel(body)
        dialect, question = "gemini", standin.of_gemini(body, "m", "stream" in path)
        limit = (body.get("generationConfig") or {}).get("maxOutputTokens")
    config = body.get("generationConfig") or body
    stops = config.get("stop") or config.get("stop_sequences") or config.get("stopSequences")
    words = json.dumps(body, ensure_ascii=False)
    return {
        "asks": 1,
        "dialect": dialect,
        "words": sorted(set(question.text.split())),
        "tools": sorted(question.tools),
        "results": question.results,
        "form": question.schema is not None,
        "streamed": question.stream,
        "temperature": config.get("temperature"),
        "top_p": config.get("top_p") or config.get("topP"),
        "limit": limit,
        "stops": [stops] if isinstance(stops, str) else stops,
        "image": PIXEL in words,
        "arguments": "am See" in words,
    }


# ---- both ----------------------------------------------------------------------------------


def exchange(url, path, body):
    headers = {
        "content-type": "application/json",
        "authorization": "Bearer sk-x",
        "x-api-key": "sk-x",
        "anthropic-version": "2023-06-01",
        "cache-control": "no-cache",
    }
    request = urllib.request.Request(url + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)


class LiteLlm:
    """The other translator, with one model for every upstream dialect."""

    def __init__(self, upstream):
        self.folder = tempfile.mkdtemp(prefix="atelier-differential-")
        path = os.path.join(self.folder, "config.yaml")
        with open(path, "w") as file:
            models = []
            for name, model in UPSTREAMS.items():
                base = upstream if name == "messages" else f"{upstream}/v1"
                base = f"{upstream}/v1beta" if name == "gemini" else base
                settings = {"model": model, "api_key": "sk-x", "api_base": base}
                models.append({"model_name": name, "litellm_params": settings})
            given = {"drop_params": True, "num_retries": 0}
            json.dump({"model_list": models, "litellm_settings": given}, file)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        program = os.path.join(TOOLS, "litellm", "bin", "litellm")
        command = [program, "--config", path, "--port", str(port), "--host", "127.0.0.1"]
        self.process = subprocess.Popen(
            command,
            env=os.environ
            | {
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        began = time.monotonic()
        while exchange(self.url, "/v1/chat/completions", {"model": "none", "messages": []})[0] == 0:
            if time.monotonic() - began > START_SECONDS_MAX:
                raise RuntimeError("LiteLLM does not answer")
            time.sleep(0.5)

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def compare(ours, theirs, seen, explained):
    """Every field in which the two differ."""
    found = []
    for client in DIALECTS:
        for upstream in DIALECTS:
            for scene, what in SCENES.items():
                for stream in (False, True):
                    path, body = ASKS[client](what, stream)
                    one = both(client, stream, path, body, (ours[upstream], seen[upstream]))
                    theirs_body = json.loads(json.dumps(body))
                    if client == "gemini":
                        theirs_path = path.replace("/m:", f"/{upstream}:")
                    else:
                        theirs_path, theirs_body["model"] = path, upstream
                    two = both(client, stream, theirs_path, theirs_body, (theirs, seen["theirs"]))
                    fields = sorted(name for name in one | two if one.get(name) != two.get(name))
                    # A refusal explains everything else that differs.
                    if one["told.status"] != two["told.status"]:
                        fields = ["told.status"]
                    place = f"{client}>{upstream} {scene} {'stream' if stream else 'whole'}"
                    found.append((place, [(f, one.get(f), two.get(f)) for f in fields]))
    return found


def both(client, stream, path, body, to):
    url, seen = to
    seen.clear()
    status, text = exchange(url, path, body)
    answer = {f"told.{name}": value for name, value in told(client, stream, status, text).items()}
    return answer | {f"asked.{name}": value for name, value in asked(seen).items()}


def explanation(place, field, explained):
    for one in explained:
        if fnmatch.fnmatch(place, one["place"]) and fnmatch.fnmatch(field, one["field"]):
            return one
    return None


def main():
    binary = os.path.abspath(sys.argv[1])
    shows_all = "--all" in sys.argv
    explained = json.load(open(os.path.join(HERE, "differences.json")))
    seen = {name: [] for name in [*DIALECTS, "theirs"]}
    address = lambda server: f"http://127.0.0.1:{server.server_address[1]}"
    other = LiteLlm(address(standin.serve(seen=seen["theirs"])))
    gateways = {}
    for dialect in DIALECTS:
        server = standin.serve(seen=seen[dialect])
        gateways[dialect] = Gateway(binary, dialect, address(server), ["--no-cache"])
    ours = {dialect: gateway.url for dialect, gateway in gateways.items()}
    found = compare(ours, other.url, seen, explained)
    for gateway in gateways.values():
        gateway.__exit__()
    other.close()
    counts, open_ones = collections.Counter(), 0
    for place, fields in found:
        for field, one, two in fields:
            known = explanation(place, field, explained)
            counts[known["why"] if known else "NOT EXPLAINED"] += 1
            if shows_all or not known:
                open_ones += known is None
                print(f"{place} {field}: {str(one)[:140]} | {str(two)[:140]}")
    agreed = sum(not fields for _, fields in found)
    print(f"{len(found)} exchanges, {agreed} without any difference, {open_ones} not explained\n")
    print("| differences | explanation |\n|--:|---|")
    for why, count in counts.most_common():
        print(f"| {count} | {why} |")
    sys.exit(open_ones > 0)


if __name__ == "__main__":
    main()
