"""Writes a model of word pairs for llama.cpp: counted in a second, never trained.

    python3 conformance/pairs.py MODEL.gguf

Layers are zero, an embedding is one number per word, and the output matrix holds how likely a word
is after another in the documents of this repository: an exact chain of pairs. It closes strings,
ends lines, ends its answers, and begins a call of a tool where it is offered one, since the words
that begin a call are one word of its own.
"""

import collections
import glob
import json
import math
import os
import re
import sys

import gguf
import numpy

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WIDTH = 1536
# One small head: its layers say nothing, and a long conversation should cost little.
HEAD = 32
MERGES = 1000
SPECIAL = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
CALL = '<tool_call>\n{"name": "'
SMOOTHING = 1e-4

# The form that Qwen's models brought up and that llama.cpp knows.
TEMPLATE = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\nYou are provided with function signatures within <tools></tools> XML tags:\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools>\\n\\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\\n<tool_call>\\n{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}\\n</tool_call><|im_end|>\\n" }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role + '\\n' + (message.content or '') }}
        {%- for tool_call in message.tool_calls or [] %}
            {%- if tool_call.function %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {%- if (loop.first and message.content) or (not loop.first) %}
                {{- '\\n' }}
            {%- endif %}
            {{- '<tool_call>\\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {%- if tool_call.arguments is string %}
                {{- tool_call.arguments }}
            {%- else %}
                {{- tool_call.arguments | tojson }}
            {%- endif %}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}"""


def documents():
    paths = glob.glob(os.path.join(ROOT, "docs", "guide", "*.md"))
    texts = [open(path, encoding="utf-8").read() for path in sorted(paths)]
    # Sentences alone: out of tables and code a chain of pairs would not find its way.
    lines = [re.sub(r"[`*|\\[\\]]", "", line) for text in texts for line in text.splitlines()]
    return [f"{line}\n" for line in lines if re.match(r"[A-Z][^#<>]*\.$", line)]


def conversations():
    """What a model must have seen to begin and end its answers."""
    answers = [
        "The answer is in the guide.\n",
        "I have read the file and changed one line.\n",
        "Yes.\n",
        CALL,
    ]
    return [f"<|im_start|>assistant\n{answer}" for answer in answers] * 40 + [
        f"{end}<|im_end|>\n" for end in (".\n", "!\n", "}\n</tool_call>", '"}', "]}", "`\n")
    ] * 60


def merged(words):
    """The words of a vocabulary, by how often neighbours meet."""
    words = {tuple(word): count for word, count in words.items()}
    found = []
    for _ in range(MERGES):
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        found.append("".join(best))
        fresh = {}
        for word, count in words.items():
            joined, at = [], 0
            while at < len(word):
                if word[at : at + 2] == best:
                    joined.append(found[-1])
                    at += 2
                else:
                    joined.append(word[at])
                    at += 1
            fresh[tuple(joined)] = count
        words = fresh
    return found


def vocabulary(texts):
    words = collections.Counter()
    for text in texts:
        words.update(re.findall(r" ?[A-Za-z]+|[0-9]|[^A-Za-z0-9 ]| ", text))
    short = collections.Counter({w.replace(" ", "▁"): n for w, n in words.items() if n > 1})
    letters = sorted({letter for word in short for letter in word if ord(letter) >= 32})
    pieces = list(dict.fromkeys(letters + merged(short)))
    tokens = list(SPECIAL)
    kinds = [gguf.TokenType.UNKNOWN] + [gguf.TokenType.CONTROL] * (len(SPECIAL) - 1)
    scores = [0.0] * len(SPECIAL)
    tokens.append(CALL)
    kinds.append(gguf.TokenType.USER_DEFINED)
    scores.append(0.0)
    for byte in range(256):
        tokens.append(f"<0x{byte:02X}>")
        kinds.append(gguf.TokenType.BYTE)
        scores.append(0.0)
    for rank, piece in enumerate(pieces[: WIDTH - len(tokens)]):
        tokens.append(piece)
        kinds.append(gguf.TokenType.NORMAL)
        scores.append(-float(rank + 1))
    while len(tokens) < WIDTH:
        tokens.append(f"<unused{len(tokens)}>")
        kinds.append(gguf.TokenType.UNUSED)
        scores.append(-1e6)
    return tokens, kinds, scores


def split(text, numbers, longest):
    """The numbers of a text's words: the longest that fits, as good as any for counting."""
    found, at = [], 0
    text = text.replace(" ", "▁")
    marks = [*SPECIAL, CALL.replace(" ", "▁")]
    while at < len(text):
        mark = next((mark for mark in marks if text.startswith(mark, at)), None)
        if mark:
            found.append(numbers[mark.replace("▁", " ") if mark not in SPECIAL else mark])
            at += len(mark)
            continue
        for length in range(min(longest, len(text) - at), 0, -1):
            piece = text[at : at + length]
            if piece in numbers:
                found.append(numbers[piece])
                at += length
                break
        else:
            found += [numbers[f"<0x{byte:02X}>"] for byte in text[at].encode()]
            at += 1
    return found


def chances(texts, tokens):
    numbers = {token: number for number, token in enumerate(tokens)}
    longest = max(len(token) for token in tokens)
    counts = numpy.full((WIDTH, WIDTH), SMOOTHING, dtype=numpy.float64)
    for text in texts:
        words = split(text, numbers, longest)
        for before, after in zip(words, words[1:]):
            counts[before, after] += 1
    unused = [at for at, token in enumerate(tokens) if token.startswith("<unused")]
    counts[:, unused] = 1e-12
    counts[:, numbers["<unk>"]] = 1e-12
    return numpy.log(counts / counts.sum(axis=1, keepdims=True))


def main():
    texts = documents() + conversations()
    tokens, kinds, scores = vocabulary(texts)
    chance = chances(texts, tokens)
    writer = gguf.GGUFWriter(sys.argv[1], "llama")
    writer.add_name("pairs")
    writer.add_context_length(98_304)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(HEAD)
    writer.add_vocab_size(WIDTH)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(SPECIAL.index("<|im_end|>"))
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)
    half, whole = numpy.float16, numpy.float32
    nothing = lambda *shape: numpy.zeros(shape, dtype=half)
    tensors = {
        "token_embd.weight": numpy.eye(WIDTH, dtype=half),
        # The norm makes of a single one the root of the width; this takes it back.
        "output_norm.weight": numpy.full(WIDTH, 1 / math.sqrt(WIDTH), dtype=whole),
        "output.weight": chance.T.astype(half),
        "blk.0.attn_norm.weight": numpy.ones(WIDTH, dtype=whole),
        "blk.0.ffn_norm.weight": numpy.ones(WIDTH, dtype=whole),
        "blk.0.attn_q.weight": nothing(HEAD, WIDTH),
        "blk.0.attn_k.weight": nothing(HEAD, WIDTH),
        "blk.0.attn_v.weight": nothing(HEAD, WIDTH),
        "blk.0.attn_output.weight": nothing(WIDTH, HEAD),
        "blk.0.ffn_gate.weight": nothing(32, WIDTH),
        "blk.0.ffn_up.weight": nothing(32, WIDTH),
        "blk.0.ffn_down.weight": nothing(WIDTH, 32),
    }
    for name, tensor in tensors.items():
        writer.add_tensor(name, numpy.ascontiguousarray(tensor))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(json.dumps({"words": len(tokens), "bytes": os.path.getsize(sys.argv[1])}))


if __name__ == "__main__":
    main()
