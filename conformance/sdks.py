"""The vendors' own libraries, and two that stand on them, before the gateway.

    python3 conformance/sdks.py BINARY [CHECK...]

Every check runs over an upstream of each dialect, in the Python that has its library. What the
library returns is compared with what the stand-in said.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import standin
from gateway import PROVIDERS, Gateway

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(os.path.dirname(HERE), "target", "tools")
SAID = standin.SENTENCE
HI = [{"role": "user", "content": "How many leaves has the tree?"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
GIVEN = standin.instance(SCHEMA, SCHEMA)
CHECKS = {}
SECONDS_MAX = 180


def check(*pythons):
    """A check that runs in these folders of target/tools."""

    def noted(function):
        CHECKS[function.__name__] = (function, pythons)
        return function

    return noted


def same(got, expected):
    assert got == expected, f"got {got!r}, expected {expected!r}"


def openai_client(url):
    import openai

    return openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0, timeout=20)


def anthropic_client(url):
    import anthropic

    return anthropic.Anthropic(base_url=url, api_key="x", max_retries=0, timeout=20)


def google_client(url):
    from google import genai

    return genai.Client(api_key="x", http_options={"base_url": url, "timeout": 20_000})


@check("sdks", "sdks2")
def openai_chat(url):
    got = openai_client(url).chat.completions.create(model="m", messages=HI)
    same(got.choices[0].message.content, SAID)
    same(got.choices[0].finish_reason, "stop")
    same((got.usage.prompt_tokens, got.usage.completion_tokens), (120, 30))
    same(got.usage.prompt_tokens_details.cached_tokens, 20)


@check("sdks", "sdks2")
def openai_chat_stream(url):
    options = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(openai_client(url).chat.completions.create(model="m", messages=HI, **options))
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    same("".join(pieces), SAID)
    assert sum(bool(piece) for piece in pieces) > 3, "the answer came in one piece"
    same(chunks[-1].usage.completion_tokens, 30)


@check("sdks")
def openai_chat_stream_uncounted(url):
    chunks = list(openai_client(url).chat.completions.create(model="m", messages=HI, stream=True))
    assert all(chunk.choices for chunk in chunks), "a chunk without choices was not asked for"


@check("sdks", "sdks2")
def openai_tools(url):
    function = {"name": "forecast", "description": "Weather", "parameters": SCHEMA}
    tools = [{"type": "function", "function": function}]
    client = openai_client(url)
    first = client.chat.completions.create(model="m", messages=HI, tools=tools)
    call = first.choices[0].message.tool_calls[0]
    same((call.function.name, json.loads(call.function.arguments)), ("forecast", GIVEN))
    same(first.choices[0].finish_reason, "tool_calls")
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    talk = [*HI, first.choices[0].message, result]
    second = client.chat.completions.create(model="m", messages=talk, tools=tools)
    same(second.choices[0].message.content, SAID)


@check("sdks", "sdks2")
def openai_tools_stream(url):
    function = {"name": "forecast", "parameters": SCHEMA}
    tools = [{"type": "function", "function": function}]
    client = openai_client(url)
    with client.chat.completions.stream(model="m", messages=HI, tools=tools) as stream:
        call = stream.get_final_completion().choices[0].message.tool_calls[0]
    same(json.loads(call.function.arguments), GIVEN)


@check("sdks", "sdks2")
def openai_parse(url):
    from pydantic import BaseModel

    class Trip(BaseModel):
        city: str
        days: int

    completions = openai_client(url).chat.completions
    got = completions.parse(model="m", messages=HI, response_format=Trip)
    same(got.choices[0].message.parsed, Trip(**GIVEN))


@check("sdks")
def openai_completions(url):
    client = openai_client(url)
    got = client.completions.create(model="m", prompt="How many leaves?")
    same((got.choices[0].text, got.usage.completion_tokens), (SAID, 30))
    chunks = client.completions.create(model="m", prompt=["How many leaves?"], stream=True)
    same("".join(chunk.choices[0].text for chunk in chunks), SAID)


@check("sdks", "sdks2")
def openai_responses(url):
    got = openai_client(url).responses.create(model="m", input="How many leaves?")
    same((got.output_text, got.status), (SAID, "completed"))
    same((got.usage.input_tokens, got.usage.output_tokens), (120, 30))


@check("sdks", "sdks2")
def openai_responses_stream(url):
    with openai_client(url).responses.stream(model="m", input="How many leaves?") as stream:
        text = "".join(event.delta for event in stream if event.type.endswith("text.delta"))
        same((text, stream.get_final_response().output_text), (SAID, SAID))


@check("sdks")
def openai_responses_tools(url):
    tools = [{"type": "function", "name": "forecast", "parameters": SCHEMA, "strict": False}]
    client = openai_client(url)
    with client.responses.stream(model="m", input=HI, tools=tools, store=False) as stream:
        call = stream.get_final_response().output[-1]
    same((call.name, json.loads(call.arguments)), ("forecast", GIVEN))
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    given = call.to_dict()
    asked = {"type": "function_call"} | {k: given[k] for k in ("call_id", "name", "arguments")}
    talk = [*HI, asked, result]
    got = client.responses.create(model="m", input=talk, tools=tools, store=False)
    same(got.output_text, SAID)


@check("sdks", "sdks2")
def openai_embeddings(url):
    client = openai_client(url)
    if not MAKES_VECTORS:
        import openai

        return raises(openai.BadRequestError, lambda: client.embeddings.create(model="m", input="x"))
    for options in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
        got = client.embeddings.create(model="m", input=["one", "two"], **options)
        vectors = [one.embedding for one in got.data]
        if options.get("encoding_format") == "base64":
            import base64
            import struct

            vectors = [list(struct.unpack("<3f", base64.b64decode(one))) for one in vectors]
        same(vectors, [standin.VECTOR, standin.VECTOR])


@check("sdks", "sdks2")
def openai_models(url):
    client = openai_client(url)
    assert "m" in [model.id for model in client.models.list()]
    same(client.models.retrieve("m").id, "m")


@check("sdks")
def openai_error(url):
    import openai

    completions = openai_client(url).chat.completions
    raises(openai.NotFoundError, lambda: completions.create(model="nobody", messages=HI))


@check("sdks")
def anthropic_messages(url):
    got = anthropic_client(url).messages.create(model="m", max_tokens=500, messages=HI)
    same((got.content[-1].text, got.stop_reason), (SAID, "end_turn"))
    counts = (got.usage.input_tokens, got.usage.cache_read_input_tokens, got.usage.output_tokens)
    same(counts, (100, 20, 30))


@check("sdks")
def anthropic_stream(url):
    client = anthropic_client(url)
    with client.messages.stream(model="m", max_tokens=500, messages=HI) as stream:
        same("".join(stream.text_stream), SAID)
        same(stream.get_final_message().usage.output_tokens, 30)


@check("sdks")
def anthropic_tools(url):
    tools = [{"name": "forecast", "description": "Weather", "input_schema": SCHEMA}]
    options = {"model": "m", "max_tokens": 500, "tools": tools}
    client = anthropic_client(url)
    with client.messages.stream(messages=HI, **options) as stream:
        first = stream.get_final_message()
    call = first.content[-1]
    same((call.name, call.input, first.stop_reason), ("forecast", GIVEN, "tool_use"))
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    asked = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}
    talk = [
        *HI,
        {"role": "assistant", "content": [asked]},
        {"role": "user", "content": [result]},
    ]
    same(client.messages.create(messages=talk, **options).content[-1].text, SAID)


@check("sdks")
def anthropic_count(url):
    client = anthropic_client(url)
    assert client.messages.count_tokens(model="m", messages=HI).input_tokens > 0
    assert "m" in [model.id for model in client.models.list()]


@check("sdks")
def google_generate(url):
    client = google_client(url)
    got = client.models.generate_content(model="m", contents="How many leaves?")
    same(got.text, SAID)
    same((got.usage_metadata.prompt_token_count, got.usage_metadata.total_token_count), (120, 150))


@check("sdks")
def google_stream(url):
    client = google_client(url)
    chunks = client.models.generate_content_stream(model="m", contents="How many leaves?")
    same("".join(chunk.text or "" for chunk in chunks), SAID)


@check("sdks")
def google_tools(url):
    from google.genai import types

    function = {"name": "forecast", "parameters_json_schema": SCHEMA}
    tools = [types.Tool(function_declarations=[function])]
    config = types.GenerateContentConfig(tools=tools)
    client = google_client(url)
    got = client.models.generate_content(model="m", contents="Hi", config=config)
    same((got.function_calls[0].name, got.function_calls[0].args), ("forecast", GIVEN))


@check("sdks")
def google_vectors_and_counts(url):
    client = google_client(url)
    models = client.models
    if MAKES_VECTORS:
        vectors = models.embed_content(model="m", contents=["one", "two"]).embeddings
        same([one.values for one in vectors], [standin.VECTOR, standin.VECTOR])
    assert models.count_tokens(model="m", contents="How many leaves?").total_tokens > 0


@check("sdks2")
def langchain_openai(url):
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="m", base_url=f"{url}/v1", api_key="x", max_retries=0)
    same(model.invoke("How many leaves?").text, SAID)
    same("".join(piece.text for piece in model.stream("How many leaves?")), SAID)
    same(model.bind_tools([forecast]).invoke("Hi").tool_calls[0]["args"], FORECAST)


@check("sdks2")
def langchain_anthropic(url):
    from langchain_anthropic import ChatAnthropic

    model = ChatAnthropic(model="m", base_url=url, api_key="x", max_retries=0, max_tokens=500)
    same(model.invoke("How many leaves?").text, SAID)
    same("".join(piece.text for piece in model.stream("How many leaves?")), SAID)
    same(model.bind_tools([forecast]).invoke("Hi").tool_calls[0]["args"], FORECAST)


@check("sdks2")
def instructor_openai(url):
    import instructor
    from pydantic import BaseModel

    class Trip(BaseModel):
        city: str
        days: int

    client = instructor.from_openai(openai_client(url))
    got = client.chat.completions.create(model="m", messages=HI, response_model=Trip)
    same(got.model_dump(), GIVEN)


@check("sdks")
def openai_node(url):
    environment = os.environ | {"NODE_PATH": os.path.join(TOOLS, "node", "node_modules")}
    command = ["node", os.path.join(HERE, "sdk.cjs"), f"{url}/v1", SAID, json.dumps(GIVEN)]
    done = subprocess.run(command, env=environment, timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def forecast(city: str, days: int) -> str:
    """The weather."""
    return f"{city} {days}"


FORECAST = GIVEN
# Whether the upstream makes vectors: Anthropic does not.
MAKES_VECTORS = True


def raises(kind, action):
    try:
        action()
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}")


def attempt(name, url):
    try:
        CHECKS[name][0](url)
    except Exception as error:  # every failure of a foreign library is a finding
        return f"{type(error).__name__}: {error}".replace("\n", " ")[:700]
    return None


LIBRARIES = ["openai", "anthropic", "google.genai", "langchain_openai", "langchain_anthropic"]


def inside(url, names):
    """Runs checks in this Python and prints what they come to."""
    # Some import parts of themselves when they are first used, which two threads at once break.
    for name in [*LIBRARIES, "instructor", "httpx", "httpx2"]:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda name: attempt(name, url), names)
        print(json.dumps(dict(zip(names, found))))


def outside(url, dialect, python, names):
    """Runs checks in the Python of a folder."""
    program = os.path.join(TOOLS, python, "bin", "python")
    command = [program, os.path.abspath(__file__), "--inside", url, dialect, *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX)
    if done.returncode:
        return {name: done.stderr[-700:] for name in names}
    return json.loads(done.stdout)


def main():
    global MAKES_VECTORS
    if sys.argv[1] == "--inside":
        MAKES_VECTORS = sys.argv[3] != "messages"
        return inside(sys.argv[2], sys.argv[4:])
    binary = os.path.abspath(sys.argv[1])
    chosen = sys.argv[2:] or list(CHECKS)
    server = standin.serve()
    upstream = f"http://127.0.0.1:{server.server_address[1]}"
    failed = 0
    for dialect in PROVIDERS:
        count = 0
        with Gateway(binary, dialect, upstream) as gateway:
            for python in ("sdks", "sdks2"):
                names = [name for name in chosen if python in CHECKS[name][1]]
                found = outside(gateway.url, dialect, python, names)
                count += len(names)
                for name, problem in found.items():
                    if problem:
                        failed += 1
                        count -= 1
                        print(f"FAIL {name} ({python}) before {dialect}: {problem}")
        total = sum(len(CHECKS[name][1]) for name in chosen)
        print(f"{dialect}: {count}/{total}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
