"""A model that follows simple rules, in four dialects, for foreign programs to be tried against.

It answers a question by what the question holds: a form gets JSON of that form, a tool that was not
called yet gets a call, anything else gets the same sentence. It is written from the vendors'
documents alone and shares no code with the gateway, so that both can be wrong only separately.

    python3 conformance/standin.py 0          prints the port, then serves for ever
    python3 conformance/standin.py 0 record.jsonl   the same, and writes down what it is sent
"""

import json
import struct
import sys
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SENTENCE = "The tree has 7 leaves – ✓ done."
THOUGHT = "Leaves are counted one by one."
USAGE = {"input": 120, "cached": 20, "output": 30, "reasoning": 5}
VECTOR = [0.25, -0.5, 1.0]

# What a shell tool of a coding program is called, and how it is told a command.
COMMAND = "printf 'made by a tool\\n' > made.txt"
SHELLS = {
    "Bash": {"command": COMMAND, "description": "Write the file"},
    "bash": {"command": COMMAND, "description": "Write the file"},
    "shell_command": {"command": COMMAND},
    "exec_command": {"cmd": COMMAND},
    "shell": {"command": ["bash", "-lc", COMMAND]},
    "local_shell": {"command": ["bash", "-lc", COMMAND]},
}


class Question:
    """What matters of a request, in no dialect."""

    def __init__(self):
        self.text = ""
        self.tools = {}
        self.results = 0
        self.schema = None
        self.stream = False
        self.model = ""
        self.thinks = False


class Answer:
    def __init__(self, question):
        self.model = question.model
        self.thought = THOUGHT if question.thinks else ""
        self.text = ""
        self.calls = []
        if question.schema is not None:
            self.text = json.dumps(instance(question.schema, question.schema))
        elif question.tools and not question.results:
            self.calls = calls(question.tools)
        if not self.calls and not self.text:
            self.text = edit_of(question.text) or SENTENCE


def calls(tools):
    shells = [name for name in SHELLS if name in tools]
    if shells:
        return [("call_0001", shells[0], SHELLS[shells[0]])]
    plain = [name for name in tools if tools[name] is not None][:2]
    if len(tools) > 3:
        return []
    return [
        (f"call_{number:04}", name, instance(tools[name], tools[name]))
        for number, name in enumerate(plain, 1)
    ]


def edit_of(text):
    """Programs without tools are answered by a block of their own kind."""
    if "SEARCH/REPLACE" not in text:
        return None
    fence = "```"
    return f"made.txt\n{fence}\n<<<<<<< SEARCH\n=======\nmade by a tool\n>>>>>>> REPLACE\n{fence}\n"


def instance(schema, root, depth=0):
    """Some value that follows a schema."""
    schema = schema or {}
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        found = (root.get("$defs") or root.get("definitions") or {}).get(name, {})
        return instance(found, root, depth + 1)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return instance(schema[several][0], root, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0]
    kind = str(kind).lower()
    if kind == "object":
        properties = schema.get("properties", {})
        names = schema.get("required", list(properties)) if depth < 8 else []
        return {name: instance(properties.get(name, {}), root, depth + 1) for name in names}
    if kind == "array":
        return [instance(schema.get("items", {}), root, depth + 1)]
    return {"integer": 7, "number": 7.5, "boolean": True, "null": None}.get(kind, "leaf \"é\" ✓")


# ---- reading -------------------------------------------------------------------------------


def texts(content):
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content or [] if isinstance(part, dict))


def of_chat(body):
    question = Question()
    question.model = body["model"]
    question.stream = body.get("stream") is True
    for message in body["messages"]:
        question.results += message["role"] == "tool"
        question.text += texts(message.get("content")) + "\n"
    for tool in body.get("tools") or []:
        function = tool["function"]
        question.tools[function["name"]] = function.get("parameters") or {}
    form = body.get("response_format") or {}
    question.schema = (form.get("json_schema") or {}).get("schema")
    question.thinks = bool(body.get("reasoning_effort"))
    return question


def of_responses(body):
    question = Question()
    question.model = body["model"]
    question.stream = body.get("stream") is True
    items = body["input"]
    if isinstance(items, str):
        items = [{"type": "message", "role": "user", "content": items}]
    question.text = (body.get("instructions") or "") + "\n"
    for item in items:
        question.results += str(item.get("type", "")).endswith("_output")
        question.text += texts(item.get("content")) + "\n"
    for tool in body.get("tools") or []:
        if tool["type"] == "function":
            question.tools[tool["name"]] = tool.get("parameters") or {}
    form = (body.get("text") or {}).get("format") or {}
    question.schema = form.get("schema")
    question.thinks = bool((body.get("reasoning") or {}).get("effort"))
    return question


def of_messages(body):
    question = Question()
    question.model = body["model"]
    question.stream = body.get("stream") is True
    question.text = texts(body.get("system")) + "\n"
    for message in body["messages"]:
        content = message["content"]
        question.text += texts(content) + "\n"
        blocks = content if isinstance(content, list) else []
        question.results += sum(block.get("type") == "tool_result" for block in blocks)
    for tool in body.get("tools") or []:
        question.tools[tool["name"]] = tool.get("input_schema")
    form = (body.get("output_config") or {}).get("format") or {}
    question.schema = form.get("schema")
    question.thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    return question


def camel(value):
    """Names in the letters of the documents: the vendor takes `max_output_tokens` as well."""
    if isinstance(value, list):
        return [camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    # What is inside of schemas and arguments is the client's own.
    own = {"parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "args"}
    renamed = {}
    for name, one in value.items():
        first, *rest = name.split("_")
        name = first + "".join(word.capitalize() for word in rest)
        renamed[name] = one if name in own else camel(one)
    return renamed


def of_gemini(body, model, stream):
    body = camel(body)
    question = Question()
    question.model = model
    question.stream = stream
    question.text = texts((body.get("systemInstruction") or {}).get("parts")) + "\n"
    for content in body["contents"]:
        parts = content.get("parts") or []
        question.text += texts(parts) + "\n"
        question.results += sum("functionResponse" in part for part in parts)
    for tool in body.get("tools") or []:
        for function in tool.get("functionDeclarations") or []:
            schema = function.get("parametersJsonSchema") or function.get("parameters") or {}
            question.tools[function["name"]] = schema
    config = body.get("generationConfig") or {}
    question.schema = config.get("responseJsonSchema") or config.get("responseSchema")
    question.thinks = bool((config.get("thinkingConfig") or {}).get("includeThoughts"))
    return question


# ---- writing -------------------------------------------------------------------------------


def split(text, size=5):
    return [text[at : at + size] for at in range(0, len(text), size)]


def chat(answer, stream, counted):
    usage = {
        "prompt_tokens": USAGE["input"],
        "completion_tokens": USAGE["output"],
        "total_tokens": USAGE["input"] + USAGE["output"],
        "prompt_tokens_details": {"cached_tokens": USAGE["cached"]},
        "completion_tokens_details": {"reasoning_tokens": USAGE["reasoning"]},
    }
    reason = "tool_calls" if answer.calls else "stop"
    head = {"id": "chatcmpl-1", "created": 1, "model": answer.model, "system_fingerprint": "fp"}
    calls = [
        {"id": name, "type": "function", "function": {"name": tool, "arguments": json.dumps(given)}}
        for name, tool, given in answer.calls
    ]
    if not stream:
        message = {"role": "assistant", "content": answer.text or None, "refusal": None}
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        return head | {"object": "chat.completion", "choices": [choice], "usage": usage}
    head |= {"object": "chat.completion.chunk"}
    events = []

    def say(delta, reason=None):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        events.append((None, head | {"choices": [choice]}))

    say({"role": "assistant", "content": ""})
    for piece in split(answer.text):
        say({"content": piece})
    for index, call in enumerate(calls):
        arguments = call["function"]["arguments"]
        begun = call | {"index": index, "function": call["function"] | {"arguments": ""}}
        say({"tool_calls": [begun]})
        for piece in split(arguments):
            say({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    say({}, reason)
    if counted:
        events.append((None, head | {"choices": [], "usage": usage}))
    events.append((None, "[DONE]"))
    return events


def responses(answer, stream):
    usage = {
        "input_tokens": USAGE["input"],
        "input_tokens_details": {"cached_tokens": USAGE["cached"]},
        "output_tokens": USAGE["output"],
        "output_tokens_details": {"reasoning_tokens": USAGE["reasoning"]},
        "total_tokens": USAGE["input"] + USAGE["output"],
    }
    output = []
    if answer.thought:
        summary = [{"type": "summary_text", "text": answer.thought}]
        output.append({"id": "rs_1", "type": "reasoning", "summary": summary})
    if answer.text:
        part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        output.append(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [part],
            }
        )
    for number, (name, tool, given) in enumerate(answer.calls):
        output.append(
            {
                "id": f"fc_{number}",
                "type": "function_call",
                "call_id": name,
                "name": tool,
                "arguments": json.dumps(given),
                "status": "completed",
            }
        )
    whole = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": answer.model,
        "output": output,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage,
    }
    if not stream:
        return whole
    events = []

    def say(kind, **fields):
        events.append((kind, {"type": kind, "sequence_number": len(events)} | fields))

    begun = whole | {"status": "in_progress", "output": [], "usage": None}
    say("response.created", response=begun)
    say("response.in_progress", response=begun)
    for index, item in enumerate(output):
        at = {"item_id": item["id"], "output_index": index}
        if item["type"] == "message":
            opened = item | {"status": "in_progress", "content": []}
            part = item["content"][0]
            say("response.output_item.added", output_index=index, item=opened)
            say("response.content_part.added", content_index=0, part=part | {"text": ""}, **at)
            for piece in split(part["text"]):
                say("response.output_text.delta", content_index=0, delta=piece, logprobs=[], **at)
            text = {"text": part["text"], "logprobs": []}
            say("response.output_text.done", content_index=0, **text, **at)
            say("response.content_part.done", content_index=0, part=part, **at)
        elif item["type"] == "reasoning":
            say("response.output_item.added", output_index=index, item=item | {"summary": []})
            for piece in split(answer.thought):
                kind = "response.reasoning_summary_text.delta"
                say(kind, summary_index=0, delta=piece, **at)
        else:
            opened = item | {"status": "in_progress", "arguments": ""}
            say("response.output_item.added", output_index=index, item=opened)
            for piece in split(item["arguments"]):
                say("response.function_call_arguments.delta", delta=piece, **at)
            done = {"arguments": item["arguments"], "name": item["name"]}
            say("response.function_call_arguments.done", **done, **at)
        say("response.output_item.done", output_index=index, item=item)
    say("response.completed", response=whole)
    return events


def messages(answer, stream):
    usage = {
        "input_tokens": USAGE["input"] - USAGE["cached"],
        "output_tokens": USAGE["output"],
        "cache_read_input_tokens": USAGE["cached"],
        "cache_creation_input_tokens": 0,
    }
    content = []
    if answer.thought:
        content.append({"type": "thinking", "thinking": answer.thought, "signature": "c2VhbA=="})
    if answer.text:
        content.append({"type": "text", "text": answer.text})
    for name, tool, given in answer.calls:
        content.append({"type": "tool_use", "id": name, "name": tool, "input": given})
    reason = "tool_use" if answer.calls else "end_turn"
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage,
    }
    if not stream:
        return whole
    events = []

    def say(kind, **fields):
        events.append((kind, {"type": kind} | fields))

    begun = {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
    say("message_start", message=whole | begun)
    say("ping")
    for index, block in enumerate(content):
        if block["type"] == "text":
            say("content_block_start", index=index, content_block=block | {"text": ""})
            deltas = [{"type": "text_delta", "text": piece} for piece in split(block["text"])]
        elif block["type"] == "thinking":
            empty = block | {"thinking": "", "signature": ""}
            say("content_block_start", index=index, content_block=empty)
            pieces = split(block["thinking"])
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        else:
            say("content_block_start", index=index, content_block=block | {"input": {}})
            pieces = split(json.dumps(block["input"]))
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        for delta in deltas:
            say("content_block_delta", index=index, delta=delta)
        say("content_block_stop", index=index)
    say("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=usage)
    say("message_stop")
    return events


def gemini(answer, stream):
    usage = {
        "promptTokenCount": USAGE["input"],
        "candidatesTokenCount": USAGE["output"] - USAGE["reasoning"],
        "thoughtsTokenCount": USAGE["reasoning"],
        "cachedContentTokenCount": USAGE["cached"],
        "totalTokenCount": USAGE["input"] + USAGE["output"],
    }

    def chunk(parts, last):
        candidate = {"index": 0, "content": {"role": "model", "parts": parts}}
        body = {"candidates": [candidate], "modelVersion": answer.model, "responseId": "gen_1"}
        if last:
            candidate["finishReason"] = "STOP"
            body["usageMetadata"] = usage
        return body

    thoughts = [{"text": answer.thought, "thought": True}] if answer.thought else []
    calls = [{"functionCall": {"name": tool, "args": given}} for _, tool, given in answer.calls]
    if not stream:
        said = [{"text": answer.text}] if answer.text else []
        return chunk(thoughts + said + calls, True)
    chunks = [chunk([part], False) for part in thoughts]
    chunks += [chunk([{"text": piece}], False) for piece in split(answer.text)]
    chunks.append(chunk(calls or [{"text": ""}], True))
    return [(None, body) for body in chunks]


# ---- serving -------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    record = None
    seen = None
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self):
        self.whole({"object": "list", "data": [{"id": "m", "object": "model"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.split("?")[0]
        if self.record:
            with self.lock, open(self.record, "a") as file:
                file.write(json.dumps({"path": self.path, "body": body}) + "\n")
        if self.seen is not None:
            self.seen.append((path, body))
        try:
            said = answered(path, body)
        except (KeyError, TypeError, AttributeError) as error:
            kind = type(error).__name__
            self.whole({"error": {"message": f"bad request: {kind} {error}"}}, 400)
            return
        if said is None:
            self.whole({"error": {"message": "no such address"}}, 404)
        elif isinstance(said, list):
            self.events(said)
        else:
            self.whole(said)

    def whole(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def events(self, events):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for name, body in events:
            text = body if isinstance(body, str) else json.dumps(body)
            data = (f"event: {name}\n" if name else "") + f"data: {text}\n\n"
            data = data.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")


def answered(path, body):
    if path.endswith("/chat/completions"):
        question = of_chat(body)
        counted = bool((body.get("stream_options") or {}).get("include_usage"))
        return chat(Answer(question), question.stream, counted)
    if path.endswith("/responses"):
        question = of_responses(body)
        return responses(Answer(question), question.stream)
    if path.endswith("/responses/input_tokens"):
        of_responses(body)
        return {"object": "response.input_tokens", "input_tokens": USAGE["input"]}
    if path.endswith("/messages"):
        question = of_messages(body)
        return messages(Answer(question), question.stream)
    if path.endswith("/messages/count_tokens"):
        of_messages(body)
        return {"input_tokens": USAGE["input"]}
    if path.endswith("/embeddings"):
        return embeddings(body)
    model, _, method = path.rsplit("/", 1)[-1].partition(":")
    if method in ("generateContent", "streamGenerateContent"):
        question = of_gemini(body, model, method.startswith("stream"))
        return gemini(Answer(question), question.stream)
    if method == "countTokens":
        whole = body.get("generateContentRequest") or body
        of_gemini(whole, model, False)
        return {"totalTokens": USAGE["input"]}
    if method == "batchEmbedContents":
        return {"embeddings": [{"values": VECTOR} for _ in body["requests"]]}
    if method == "embedContent":
        _ = body["content"]["parts"]
        return {"embedding": {"values": VECTOR}}
    return None


def embeddings(body):
    given = body["input"]
    count = 1 if isinstance(given, str) else len(given)
    vector = VECTOR
    if body.get("encoding_format") == "base64":
        vector = b64encode(struct.pack(f"<{len(VECTOR)}f", *VECTOR)).decode()
    data = [{"object": "embedding", "index": at, "embedding": vector} for at in range(count)]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def serve(port=0, record=None, seen=None):
    """A server under way, on a thread of its own; `seen` is a list that gets what it is sent."""
    handler = type("Recording", (Handler,), {"record": record, "seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main():
    server = serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
    print(server.server_address[1], flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
