"""A real Chromium, driven over the pipe of its DevTools protocol: no port, no driver program, no library.

It is one that is installed, else (asked for with `--browser`, or in CI) Debian's, whose packages are unpacked into
the cache folder of this checkout: nothing is installed, and no right is needed.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CACHE = Path(__file__).parents[2] / ".cache" / "chromium"
NAMES = ("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
WAIT_S = 60.0
_ON_3_AND_4 = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Starts a program that reads from file descriptor 3 and writes to 4, as Chromium's pipe wants it."""


class NoChromiumError(Exception):
    """There is none, and none could be fetched; the message says why."""


class Found(NamedTuple):
    """A Chromium that can be started."""

    binary: str
    libraries: str = ""
    """A folder for LD_LIBRARY_PATH; empty where the system has all that it needs."""


def find(*, fetch: bool) -> Found:
    """A Chromium: the one that `CHROMIUM` names, one on the path, one that was fetched, one that is fetched now."""
    named = os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
    if named:
        return Found(named)
    if not (CACHE / "done").exists():
        if not fetch:
            raise NoChromiumError("no Chromium is installed: install one, name it in CHROMIUM, or pass --browser")
        _unpack_debians()
    return _unpacked()


def _unpacked() -> Found:
    root = CACHE / "root"
    folders = {str(path.parent) for top in ("lib", "usr/lib") for path in (root / top).glob("*-linux-gnu*/**/lib*.so*")}
    return Found(str(root / "usr/lib/chromium/chromium"), ":".join(sorted(folders)))


def _unpack_debians() -> None:
    """Fetch what Debian's chromium needs and this system lacks, and unpack it beside each other."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise NoChromiumError("no Chromium is installed, and only on Debian and its kin one can be fetched")
    for folder in ("lists/partial", "archives/partial", "root"):
        (CACHE / folder).mkdir(parents=True, exist_ok=True)
    own = {
        "Dir::State::lists": CACHE / "lists",
        "Dir::Cache::archives": CACHE / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Debug::NoLocking": "true",
        "APT::Sandbox::User": "",
    }
    options = [part for name, value in own.items() for part in ("-o", f"{name}={value}")]
    install = ["-y", "--no-install-recommends", "--download-only", "install", "chromium", "fonts-dejavu-core"]
    for arguments in (["update"], install):
        done = subprocess.run(["apt-get", "-q", *options, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoChromiumError(f"apt-get {arguments[0]} failed: {done.stderr.strip()[-500:]}")
    for package in sorted((CACHE / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, CACHE / "root"], check=True)
        package.unlink()
    shutil.rmtree(CACHE / "lists")
    (CACHE / "done").touch()


class Page:
    """One tab."""

    def __init__(self, send: Callable[[str, dict[str, Any]], dict[str, Any]], events: list[dict[str, Any]]) -> None:
        self.send = send
        self._events = events

    def open(self, url: str, width: int = 1440, height: int = 900) -> None:
        """Go to a URL, in a window of a size, and wait until its scripts have run."""
        self.size(width, height)
        self.send("Page.navigate", {"url": url})
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def size(self, width: int, height: int) -> None:
        """Give the window another size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, **features: str) -> None:
        """Emulate what a person prefers, such as `prefers_color_scheme="dark"`."""
        rows = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.send("Emulation.setEmulatedMedia", {"features": rows})

    def js(self, code: str) -> Any:
        """The value of an expression, awaited."""
        asked = {"expression": code, "returnByValue": True, "awaitPromise": True}
        found = self.send("Runtime.evaluate", asked)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, code: str, seconds: float = 20.0) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.js(code):
            assert time.monotonic() < end, f"never so: {code}"
            time.sleep(0.03)

    def press(self, *keys: str) -> None:
        """Press keys as a person does, one after the other."""
        for key in keys:
            text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 else "")
            code = {"Enter": 13, "Escape": 27, "Tab": 9, " ": 32, "Home": 36, "End": 35}.get(key, 0)
            code = code or {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}.get(key, 0)
            common = {"key": key, "code": key if len(key) > 1 else "", "windowsVirtualKeyCode": code}
            down = {**common, "type": "keyDown" if text else "rawKeyDown", **({"text": text} if text else {})}
            self.send("Input.dispatchKeyEvent", down)
            self.send("Input.dispatchKeyEvent", {**common, "type": "keyUp"})

    def click(self, selector: str) -> None:
        """Click in the middle of what a selector finds, as a person does."""
        place = self.js(
            f"(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            pressed = {"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1}
            self.send("Input.dispatchMouseEvent", pressed)

    def picture(self) -> bytes:
        """A PNG of what can be seen."""
        return base64.b64decode(self.send("Page.captureScreenshot", {"format": "png"})["data"])

    def complaints(self) -> list[str]:
        """What the console said of errors, violations of the policy and exceptions since the last time."""
        self.js("0")
        found = [json.dumps(event["params"]) for event in self._events if _is_complaint(event)]
        self._events.clear()
        return found


def _is_complaint(event: dict[str, Any]) -> bool:
    if event.get("method") == "Log.entryAdded":
        return event["params"]["entry"]["level"] in ("error", "warning")
    return event.get("method") in ("Runtime.exceptionThrown", "Audits.issueAdded")


@contextmanager
def chromium(found: Found) -> Iterator[Callable[[], Page]]:
    """A running Chromium; what it gives makes tabs, each in a profile of its own."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        started = [sys.executable, "-c", _ON_3_AND_4, str(to_read), str(from_write), found.binary, *FLAGS]
        environ = {**os.environ, **({"LD_LIBRARY_PATH": found.libraries} if found.libraries else {})}
        with subprocess.Popen(
            [*started, f"--user-data-dir={profile}"],
            pass_fds=(to_read, from_write),
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            os.close(to_read)
            os.close(from_write)
            with os.fdopen(to_write, "wb", buffering=0) as out, os.fdopen(from_read, "rb", buffering=0) as back:
                pipe = _Pipe(out, back)
                try:
                    yield pipe.tab
                finally:
                    pipe.call("Browser.close", {})
                    process.wait(WAIT_S)


class _Pipe:
    """JSON messages, each ended by a zero byte."""

    def __init__(self, out: Any, back: Any) -> None:
        self._out = out
        self._back = back
        self._number = 0
        self._rest = b""
        self._events: dict[str, list[dict[str, Any]]] = {}

    def tab(self) -> Page:
        """A new tab."""
        context = self.call("Target.createBrowserContext", {})["browserContextId"]
        made = self.call("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        session = self.call("Target.attachToTarget", {"targetId": made["targetId"], "flatten": True})["sessionId"]
        self._events[session] = []
        page = Page(lambda method, params: self.call(method, params, session), self._events[session])
        for domain in ("Page", "Runtime", "Log", "Audits"):
            page.send(f"{domain}.enable", {})
        return page

    def call(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        """The result of a command; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        self._out.write(json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self._events.setdefault(answer.get("sessionId", ""), []).append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            chunk = self._back.read(65_536)
            assert chunk, "Chromium has gone"
            self._rest += chunk
        text, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(text))
