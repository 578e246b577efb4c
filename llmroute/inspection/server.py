"""The page, served to this machine alone: it follows the file, and answers what a person tries.

Nothing is read or sent but the spec. Who asks must know a random token, which is a part of the URL, and must have
asked for this address by its own name: a foreign page that points a name of its own here (DNS rebinding) gets nothing.
"""

from __future__ import annotations

import json
import secrets
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.inspection.data import changed_subject, page_data
from llmroute.inspection.page import page

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from llmroute.inspection.data import Subject

HOST = "127.0.0.1"
LOOK_S = 0.4
"""Seconds between two looks at the file."""
PING_S = 15.0
"""Seconds after which a silent stream of events says that it is alive."""
MOST_BYTES = 65_536
"""How long the body of a request may be."""
LONGEST = 2_000
"""How many characters a value may have that is tried."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Reading(NamedTuple):
    """What came of reading the spec."""

    subject: Subject | None
    """None where it can't be read as a spec."""
    problems: str = ""
    """What is wrong with it, as `validate` says it."""


class Watched:
    """The spec as it is now; what cannot be read leaves the last good one, with what is wrong beside it."""

    def __init__(self, read: Callable[[], Reading], stamp: Callable[[], Hashable]) -> None:
        self._read = read
        self._stamp = stamp
        self._seen = stamp()
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self.version = 0
        self.over = threading.Event()
        found = read()
        if found.subject is None:
            raise ValueError("the first reading of a spec must be a good one")
        self._subject: Subject = found.subject
        self._data = page_data(self._subject, ahead=False)

    def data(self) -> dict[str, Any]:
        """What the page shows now."""
        return {**self._data, "live": True}

    def html(self) -> str:
        """The page itself."""
        return page(self._data, live=True)

    def tried(self, environ: dict[str, str | None], args: dict[str, str | None]) -> dict[str, Any]:
        """What the page shows after some changes."""
        with self._lock:
            return page_data(changed_subject(self._subject, environ, args), ahead=False)

    def may_try(self, kind: str, name: str) -> bool:
        """Whether a variable or an argument is one of those that the page offers."""
        return any(offer[:2] == [kind, name] for offer in self._data["offers"])

    def look(self) -> bool:
        """Read the spec again if it has changed; whether it had."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        found = self._read()
        with self._lock:
            if found.subject is None:
                self._data = {**self._data, "problems": found.problems}
            else:
                self._subject = found.subject
                self._data = page_data(found.subject, ahead=False)
        with self._changed:
            self.version += 1
            self._changed.notify_all()
        return True

    def after(self, known: int) -> int:
        """The version after a known one, as soon as there is one; the same again after a while, or at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != known or self.over.is_set(), PING_S)
            return self.version

    def watch(self) -> None:
        """Look again and again, until it is over."""
        while not self.over.wait(LOOK_S):
            self.look()

    def stop(self) -> None:
        """Let everybody who waits go."""
        self.over.set()
        with self._changed:
            self._changed.notify_all()


class Server(ThreadingTCPServer):
    """Serves one page on loopback, under a URL that only its reader knows."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, watched: Watched, port: int = 0) -> None:
        super().__init__((HOST, port), _Handler)
        self.watched = watched
        self.token = secrets.token_urlsafe(18)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def run(self) -> None:
        """Serve until `shutdown`, or until Ctrl-C, which is passed on."""
        threading.Thread(target=self.watched.watch, daemon=True).start()
        try:
            self.serve_forever(poll_interval=0.1)
        finally:
            self.watched.stop()
            self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "llmroute"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        """The page, its data, or the events that say when to ask for it again."""
        match self._place():
            case "":
                self._send("text/html; charset=utf-8", self.server.watched.html())
            case "data":
                self._json(self.server.watched.data())
            case "events":
                self._events()
            case "what-if":
                self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, allow="POST")
            case None:
                return
            case _:
                self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """The answers after some changes."""
        match self._place():
            case "what-if":
                self._what_if()
            case None:
                return
            case "" | "data" | "events":
                self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, allow="GET")
            case _:
                self._refuse(HTTPStatus.NOT_FOUND)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server refuses by itself: a method that is none of the two, or what is no request."""
        del message, explain
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, allow="GET, POST")
        else:
            self._refuse(HTTPStatus(code))

    def _place(self) -> str | None:
        """What is asked for, behind the token; None where the answer is no, which was sent."""
        names = {f"{HOST}:{self.server.port}", f"localhost:{self.server.port}"}
        if self.headers.get("Host", "").lower() not in names:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        origin = self.headers.get("Origin")
        if origin is not None and origin.lower() not in {f"http://{name}" for name in names}:
            self._refuse(HTTPStatus.FORBIDDEN)
            return None
        _, token, *rest = (*self.path.partition("?")[0].split("/"), "")
        if not secrets.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND)
            return None
        return "/".join(rest[:-1]) if rest[:-1] else "?"

    def _what_if(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            asked = json.loads(self.rfile.read(int(length)))
            environ, args = self._changes(asked, "env", "environ"), self._changes(asked, "argument", "args")
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            known = error.args[0] if isinstance(error, _NotOfferedError) else "the request is not what the page sends"
            self._json({"error": known}, HTTPStatus.BAD_REQUEST)
            return
        self._json(self.server.watched.tried(environ, args))

    def _changes(self, asked: Any, kind: str, key: str) -> dict[str, str | None]:
        found = dict(asked[key])
        for name, value in found.items():
            if not self.server.watched.may_try(kind, name):
                raise _NotOfferedError(f"{name} decides nothing here")
            if value is not None and not (isinstance(value, str) and len(value) <= LONGEST and "\0" not in value):
                raise _NotOfferedError(f"the value of {name} is none that can be tried")
        return found

    def _events(self) -> None:
        watched = self.server.watched
        self.close_connection = True
        self._head(HTTPStatus.OK, {"Content-Type": "text/event-stream", "Connection": "close"})
        known = watched.version
        try:
            self.wfile.write(b"retry: 1000\n\n")
            while not watched.over.is_set():
                version = watched.after(known)
                said = b": still here\n\n" if version == known else b"event: changed\ndata: {}\n\n"
                known = version
                self.wfile.write(said)
        except OSError:
            # Who listened has gone.
            return

    def _json(self, value: Any, status: HTTPStatus = HTTPStatus.OK) -> None:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        self._send("application/json; charset=utf-8", text, status)

    def _send(self, kind: str, text: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        body = text.encode("utf-8", "replace")
        self._head(status, {"Content-Type": kind, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _refuse(self, status: HTTPStatus, allow: str = "") -> None:
        # What the body of a refused request holds was not read: the connection is of no more use.
        self.close_connection = True
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "Connection": "close",
            **({"Allow": allow} if allow else {}),
        }
        body = b"" if self.command == "HEAD" else f"{status.phrase}\n".encode()
        self._head(status, {**headers, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing: a request line holds the token."""


class _NotOfferedError(ValueError):
    """A change that the page does not offer; its message is for the reader."""
