"""A test double of Ollama: speaks its documented HTTP API on loopback, answers what a test scripts, misbehaves on demand.

It speaks OpenAI's ``/v1/models`` and ``/v1/chat/completions`` as well; ``answer`` finds the schema under ``format`` either way.

    with OllamaDouble(answer=lambda request: {"choice": "A"}) as double:
        llm = double.llm(samples=1)
        double.fault = "slow"

No model computes anything here, so nothing measured against it says anything about a model. Its token counts are a guess
(four characters each).
"""

from __future__ import annotations

import gzip
import json
import select
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Literal

from doubles.loopback import DEADLINE_S
from tg263_scp.config.llm import Llm
from tg263_scp.config.loading import load_config

Request = dict[str, Any]
Answer = Callable[[Request], str | Mapping[str, Any]]
Fault = Literal[
    "error",  # HTTP 500 with Ollama's JSON error body
    "memory",  # HTTP 500: the model does not fit
    "busy",  # HTTP 503: the queue is full
    "missing",  # HTTP 404: no such model, although it is listed
    "unauthorized",  # HTTP 401 of a proxy, HTML
    "redirect",  # HTTP 307 to another host
    "error_in_stream",  # HTTP 200, then a line that holds an error
    "slow",  # not a byte before release(); then a good answer
    "drip_head",  # the HTTP head comes byte by byte, without end
    "drip",  # the body comes byte by byte, without a line ever being complete
    "endless",  # complete lines without end, each with nothing in it
    "cut",  # the connection closes in the middle of a line
    "undone",  # the stream ends properly, but no line says that the answer is complete
    "half",  # a complete stream whose answer is half a JSON text
    "outside",  # a complete stream whose answer is none that the schema allows
    "length",  # the model was stopped at num_predict
    "huge",  # an answer of some megabytes
    "html",  # HTTP 200 with a page that is not JSON
    "list",  # HTTP 200 with JSON of another shape
    "deep",  # HTTP 200 with JSON nested without end
    "compressed",  # a body that is compressed although nobody asked for it
    "not_http",  # something that is not HTTP
    "hang_up",  # the connection closes without a word
    "new_digest",  # a good answer, given by a model that has another digest from now on
]

_DEADLINE_S = 2 * DEADLINE_S
"""The end of what is said to have none: a test that hangs fails before."""


@dataclass
class Model:
    """A model on the server; change its digest and it is another one."""

    name: str = "qwen2.5:7b-instruct"
    digest: str = "845dbda0ea48ed749caafd9e6037047aa19acfcfd82e704d7ca97d631a0b697e"
    context_tokens: int = 32768
    parameter_size: str = "7.6B"
    quantization: str = "Q4_K_M"
    remote_host: str = ""


@dataclass(frozen=True)
class Call:
    """What arrived: path, headers (names in lower case) and JSON body."""

    path: str
    headers: Mapping[str, str]
    body: Request


def first_choice(request: Request) -> Mapping[str, Any]:
    """Answer the first value that the schema allows, property by property."""
    properties = request["format"]["properties"]
    return {name: rule["enum"][0] if "enum" in rule else "" for name, rule in properties.items()}


@dataclass
class OllamaDouble:
    """The server; ``answer`` gets each chat request as a dictionary and returns the answer, as text or to be made JSON.

    Like Ollama's, an answer is constrained by the request's schema: a scripted one that breaks it is a mistake of the test
    and fails it at the end, unless ``constrained`` is switched off (as of servers that know no schema). ``faults`` are used
    up first, one for each request (None: behave); then ``fault`` holds for all. Only requests to ``faulty_paths`` suffer.
    """

    answer: Answer = first_choice
    models: list[Model] = field(default_factory=lambda: [Model()])
    embedding: Callable[[str], list[float]] = lambda text: [float(len(text)), 1.0]
    version: str = "0.12.3"
    constrained: bool = True
    fault: Fault | None = None
    faults: deque[Fault | None] = field(default_factory=deque)
    faulty_paths: set[str] = field(default_factory=lambda: {"/api/chat"})
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    hung_up: int = 0
    at_work: int = 0
    most_at_work: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self.lock = Lock()
        self.mistakes: list[str] = []
        self._released = Event()

    def __enter__(self) -> OllamaDouble:
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.stop()
        if kind is None and self.mistakes:
            raise AssertionError("; ".join(self.mistakes))

    def start(self) -> None:
        """Listen, after :meth:`stop` on the same port as before."""
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.double = self
        self.port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on; blocked requests end."""
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def release(self) -> None:
        """Let the requests go on that are blocked now."""
        released, self._released = self._released, Event()
        released.set()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def llm(self, **settings: Any) -> Llm:
        """The configuration's section for this server, quick to give up; ``settings`` are not validated."""
        section = load_config().llm
        defaults = {
            "host": self.url,
            "answer_timeout_s": DEADLINE_S,
            "qualification": section.qualification.model_copy(update={"required": False}),
        }
        return section.model_copy(update=defaults | settings)

    def next_fault(self, path: str) -> Fault | None:
        if path not in self.faulty_paths:
            return None
        with self.lock:
            return self.faults.popleft() if self.faults else self.fault

    def model(self, name: str) -> Model | None:
        return next((model for model in self.models if model.name in (name, f"{name}:latest")), None)

    def until_released(self, connection: socket.socket) -> Iterator[None]:
        """Run the loop again and again, until released, given up by the client, or too late."""
        released, until = self._released, time.monotonic() + _DEADLINE_S
        while not released.wait(0.005) and time.monotonic() < until:
            if _is_gone(connection):
                raise ConnectionAbortedError
            yield

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count the chat requests that are worked on at the same time, and those whose client did not wait."""
        with self.lock:
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            yield
        except OSError:
            with self.lock:
                self.hung_up += 1
            raise
        finally:
            with self.lock:
                self.at_work -= 1


def _is_gone(connection: socket.socket) -> bool:
    if isinstance(connection, ssl.SSLSocket) or not select.select([connection], [], [], 0)[0]:
        return False
    with suppress(BlockingIOError):
        return connection.recv(1, socket.MSG_PEEK) == b""
    return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    double: OllamaDouble

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up or does not like our certificate is what tests are about."""
        if not isinstance(sys.exc_info()[1], OSError):
            self.double.mistakes.append(repr(sys.exc_info()[1]))


class _RefusedError(Exception):
    def __init__(self, status: int, error: str) -> None:
        self.status = status
        self.error = error


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        if self.server.double.tls:
            self.request = self.server.double.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve({"/api/version": self._version, "/api/tags": self._tags, "/v1/models": self._models})

    def do_POST(self) -> None:
        self._serve(
            {
                "/api/show": self._show,
                "/api/chat": self._chat,
                "/api/embed": self._embed,
                "/v1/chat/completions": self._completions,
            }
        )

    def _serve(self, routes: Mapping[str, Callable[[Request], None]]) -> None:
        self.double = self.server.double
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.double.calls.append(Call(self.path, headers, body))
        if self.path == "/v1/chat/completions" and "response_format" in body:
            body["format"] = body["response_format"]["json_schema"]["schema"]
        if self.path == "/api/chat" or "format" in body:
            self.double.requests.append(body)
        try:
            if self.path not in routes:
                self._send(404, b"404 page not found", "text/plain")
                return
            fault = self.double.next_fault(self.path)
            self.fault = fault
            if fault is None or not self._misbehaves(fault):
                routes[self.path](body)
        except _RefusedError as refusal:
            self._send_json({"error": refusal.error}, refusal.status)

    # What a good server answers

    def _version(self, body: Request) -> None:
        self._send_json({"version": self.double.version})

    def _tags(self, body: Request) -> None:
        self._send_json({"models": [_listed(model) for model in self.double.models]})

    def _show(self, body: Request) -> None:
        model = self._model(body)
        self._send_json(
            {
                "modelfile": "# Modelfile",
                "template": "{{ .Prompt }}",
                "details": _details(model),
                "model_info": {
                    "general.architecture": "qwen2",
                    "qwen2.context_length": model.context_tokens,
                },
                "capabilities": ["completion"],
            }
        )

    def _embed(self, body: Request) -> None:
        model = self._model(body)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        vectors = [self.double.embedding(text) for text in texts]
        self._send_json({"model": model.name, "embeddings": vectors, "prompt_eval_count": len(texts)})

    def _chat(self, body: Request) -> None:
        model = self._model(body)
        if self.fault == "new_digest":
            model.digest = model.digest[::-1]
        with self.double.working():
            if self.fault == "slow":
                for _ in self.double.until_released(self.connection):
                    pass
            text = self._text(body)
            ending = self._ending(model, body, text)
            if not body.get("stream", True):
                self._send_json(ending | {"message": {"role": "assistant", "content": text}})
                return
            self._begin_stream()
            for at in range(0, len(text), 7):
                self._stream_line(_part(model, text[at : at + 7]))
            if self.fault == "cut":
                self._chunk(json.dumps(ending).encode()[:40])
                self.close_connection = True
                return
            if self.fault == "error_in_stream":
                self._stream_line({"error": "an error was encountered while running the model"})
            elif self.fault != "undone":
                self._stream_line(ending)
            self._end_stream()

    def _text(self, body: Request) -> str:
        answer = self.double.answer(body)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        if self.double.constrained and isinstance(body.get("format"), dict):
            try:
                allowed = _allows(body["format"], json.loads(text))
            except ValueError:
                allowed = False
            if not allowed:
                self.double.mistakes.append(f"the scripted answer {text!r} is none that the schema allows")
        if self.fault == "half":
            return text[: len(text) // 2]
        if self.fault == "outside":
            return json.dumps(dict.fromkeys(body["format"]["properties"], "something else"))
        return text

    def _ending(self, model: Model, body: Request, text: str) -> Request:
        return _part(model, "", done=True) | {
            "done_reason": "length" if self.fault == "length" else "stop",
            "total_duration": 412_000_000,
            "load_duration": 3_000_000,
            "prompt_eval_count": sum(len(message["content"]) for message in body["messages"]) // 4,
            "prompt_eval_duration": 90_000_000,
            "eval_count": len(text) // 4,
            "eval_duration": 300_000_000,
        }

    def _model(self, body: Request) -> Model:
        model = self.double.model(body.get("model", ""))
        if model is None or self.fault == "missing":
            raise _RefusedError(404, f"model '{body.get('model', '')}' not found")
        return model

    # What a server of OpenAI's API answers

    def _models(self, body: Request) -> None:
        listed = [
            {"id": model.name, "object": "model", "created": int(time.time()), "owned_by": "double",
             "max_model_len": model.context_tokens}
            for model in self.double.models
        ]  # fmt: skip
        self._send_json({"object": "list", "data": listed})

    def _completions(self, body: Request) -> None:
        model = self._model(body)
        if self.fault == "new_digest":
            model.digest = model.digest[::-1]
        with self.double.working():
            if self.fault == "slow":
                for _ in self.double.until_released(self.connection):
                    pass
            text = self._text(body) if "format" in body else "yes"
            asked = sum(len(message["content"]) for message in body["messages"]) // 4
            answer = {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "model": model.name,
                "system_fingerprint": f"fp_{model.digest[:10]}",
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": text},
                        "finish_reason": "length" if self.fault == "length" else "stop",
                    }
                ],
                "usage": {"prompt_tokens": asked, "completion_tokens": len(text) // 4},
            }
            if self.fault == "cut":
                self.send_response(200)
                self.send_header("Content-Length", "100000")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode()[:40])
                self.close_connection = True
                return
            self._send_json(answer)

    # How it is sent

    def _send_json(self, content: Request, status: int = 200) -> None:
        self._send(status, json.dumps(content).encode(), "application/json; charset=utf-8")

    def _send(self, status: int, content: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _stream_line(self, content: Request) -> None:
        self._chunk(json.dumps(content).encode() + b"\n")

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

    def _end_stream(self) -> None:
        self._chunk(b"")

    # What a bad one does instead

    def _misbehaves(self, fault: Fault) -> bool:
        """Answer in the way of the fault; false where that is a good answer with something amiss."""
        refusals = {
            "error": (500, "llama runner process has terminated: exit status 2"),
            "memory": (500, "model requires more system memory (5.6 GiB) than is available (1.0 GiB)"),
            "busy": (503, "server busy, please try again.  maximum pending requests exceeded"),
        }
        pages = {
            "unauthorized": (401, b"<html>401 Unauthorized</html>", "text/html", {}),
            "redirect": (307, b"", "text/html", {"Location": "http://192.0.2.1/api/chat"}),
            "html": (200, b"<html>Welcome</html>", "text/html", {}),
            "list": (200, b"[1]", "application/json", {}),
            "deep": (200, b"[" * 100_000, "application/json", {}),
            "compressed": (200, gzip.compress(b"{}"), "application/json", {"Content_Encoding": "gzip"}),
            "huge": (200, b'{"message": {"content": "' + b"a" * (4 << 20) + b'"}}', "application/json", {}),
        }
        if fault in refusals:
            raise _RefusedError(*refusals[fault])
        if fault in pages:
            status, content, kind, headers = pages[fault]
            self._send(status, content, kind, **headers)
        elif fault in ("drip_head", "drip", "endless"):
            with self.double.working():
                self._drips(fault)
        elif fault in ("not_http", "hang_up"):
            if fault == "not_http":
                self.wfile.write(b"\x07\x00\x00\x00\x00\x04\x00\x00\x00\x00\r\n\r\n")
            self.close_connection = True
        else:
            return False
        return True

    def _drips(self, fault: Fault) -> None:
        if fault == "drip_head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
        else:
            self._begin_stream()
        for _ in self.double.until_released(self.connection):
            if fault == "drip_head":
                self.wfile.write(b"a")
            elif fault == "drip":
                self._chunk(b" ")
            else:
                self._stream_line(_part(Model(), ""))
        self.close_connection = True


def _part(model: Model, content: str, *, done: bool = False) -> Request:
    return {
        "model": model.name,
        "created_at": "2025-10-01T08:00:00.000000Z",
        "message": {"role": "assistant", "content": content},
        "done": done,
    }


def _details(model: Model) -> Request:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "qwen2",
        "families": ["qwen2"],
        "parameter_size": model.parameter_size,
        "quantization_level": model.quantization,
    }


def _listed(model: Model) -> Request:
    remote = {"remote_host": model.remote_host, "remote_model": model.name} if model.remote_host else {}
    return {
        "name": model.name,
        "model": model.name,
        "modified_at": "2025-10-01T08:00:00.000000Z",
        "size": 4_683_087_332,
        "digest": model.digest,
        "details": _details(model),
        **remote,
    }


def _allows(schema: Mapping[str, Any], value: Any) -> bool:
    """Tell whether a schema allows a value, as far as the schemas of tests go."""
    if "enum" in schema and value not in schema["enum"]:
        return False
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        return (
            isinstance(value, dict)
            and set(schema.get("required", ())) <= set(value) <= set(properties)
            and all(_allows(properties[name], each) for name, each in value.items())
        )
    if schema.get("type") == "array":
        return isinstance(value, list) and all(_allows(schema.get("items", {}), each) for each in value)
    kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
    return isinstance(value, kinds.get(schema.get("type", ""), object))
