"""llmroute beside others, as ratios to a bare httpx2 client: `python -m tests.benchmarks.compare [--markdown]`.

Each group of rivals runs in an environment of its own under `.cache/bench`; the baseline runs there too, in the
same process, and takes turns with them. With `--markdown` the table goes into docs/performance.md.
"""

from __future__ import annotations

import json
import platform
import sys
import textwrap
from typing import Any

from tests.benchmarks.environments import ROOT, measured, version_of

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- table: make bench -->\n", "<!-- end of table -->\n"
PACKAGES = {
    "ours": ("openai", "anthropic", "httpx2"),
    "vendor_sdks": (),
    "tensorzero_embedded": ("tensorzero",),
    "any_llm_calls": ("any-llm-sdk",),
    "pydantic_ai_direct": ("pydantic-ai-slim",),
    "litellm_calls": ("litellm",),
    "transports": ("aiohttp", "pyreqwest"),
}
"""The groups, and the packages whose versions the table names."""
COLUMNS = {
    "call": "call",
    "acall": "async call",
    "chunk": "chunk",
    "achunk": "async chunk",
    "concurrent": "64 at once",
    "start": "start",
    "memory_mib": "MiB",
}


def cell(value: float | None, column: str) -> str:
    """A number as short as it means something."""
    if value is None:
        return "-"
    return f"{value:.0f}" if column in {"start", "memory_mib"} or value >= 10 else f"{value:.2f}"


def table(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Head and lines, those of one format together."""
    lines = [["", *COLUMNS.values()]]
    for api in dict.fromkeys(row["api"] for row in rows):
        lines.append([f"*{api}*", *("" for _ in COLUMNS)])
        ours = [row for row in rows if row["api"] == api]
        lines += [[row["name"], *(cell(row[column], column) for column in COLUMNS)] for row in ours]
    return lines


def plain(lines: list[list[str]]) -> str:
    """For a terminal."""
    return "\n".join(f"  {name:<24}" + "".join(f"{value:>13}" for value in values) for name, *values in lines)


def markdown(lines: list[list[str]], versions: str) -> str:
    """For the page."""
    head, *body = (f"| {' | '.join(line)} |" for line in lines)
    rule = "|---|" + "---:|" * len(COLUMNS)
    return "\n".join([head, rule, *body, "", textwrap.fill(versions, 118)]) + "\n"


def main() -> None:
    """Measure all, print the table, and write it where that is asked for."""
    rows: list[dict[str, Any]] = []
    for name in PACKAGES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        rows += [json.loads(line) for line in measured(name).splitlines() if line.startswith('{"name"')]
    lines = table(rows)
    print(plain(lines))
    found = [f"{package} {version_of(name, package)}" for name, packages in PACKAGES.items() for package in packages]
    versions = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}; {', '.join(found)}."
    print(f"\n  {versions}")
    if "--markdown" in sys.argv[1:]:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(before + BEGIN + markdown(lines, versions) + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
