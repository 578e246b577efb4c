"""Plain HTTP: what the route, the neutral conversation and the codec add to bare httpx2."""

from __future__ import annotations

from functools import partial

from tests.benchmarks.bare import PATHS, PROMPT, Bare
from tests.benchmarks.clients import router
from tests.benchmarks.measure import drained, effort, ratio, repeated, show
from tests.benchmarks.server import serving

CALLS = 40
PAIRS = 15


def main() -> None:
    """Print the ratios."""
    with serving() as root:
        for api in PATHS:
            bare = Bare(root, api)
            with router(root, api, "http") as ours:
                own = repeated(partial(ours.complete, PROMPT), CALLS)
                show(f"{api}: complete / httpx2 and json", ratio(own, repeated(bare.complete, CALLS), PAIRS), 1.3)
            for pace, path, compare in (("one by one", "/paced", effort), ("all at once", "", ratio)):
                bare = Bare(root + path, api)
                with router(root + path, api, "http") as ours:
                    chunk = compare(drained(partial(ours.stream, PROMPT)), bare.stream, PAIRS)
                    show(f"{api}: a streamed chunk, {pace} / httpx2 and json", chunk, 1.5)
