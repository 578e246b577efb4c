"""What the answers of a router came to."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from llmroute.catalog.presets import PRESETS
from llmroute.dispatch.ledger import PENDING, Ledger, Spent
from llmroute.routing.route import Query, Target
from llmroute.wire.chat import Usage

MILLION = Usage(input_tokens=1_000_000, output_tokens=0)


def target(provider: str | None = "openai", **changes: Any) -> Target:
    says: dict[str, Any] = {"api": "openai-chat", "base_url": PRESETS["openai"].base_url, "model": "gpt-4o"}
    return Target(**{"provider": provider, "locality": "remote", **says, **changes})


LOCAL = {"base_url": "http://localhost:11434/v1", "model": "m", "locality": "local"}


def only(usage: Usage, at: Target) -> Spent:
    ledger = Ledger(lambda: 1_760_000_000.0)
    ledger.enter(Query(), at, usage)
    return ledger.report().total


def test_nothing_was_spent_at_first() -> None:
    report = Ledger().report()
    assert report.total == Spent()
    assert report.total.cost_usd == 0.0
    assert report.by_agent == {}


def test_sums_by_agent_purpose_provider_and_model() -> None:
    ledger = Ledger()
    ten = Usage(input_tokens=10, output_tokens=4, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=1)
    ledger.enter(Query("a", "plan"), target("ollama", **LOCAL), ten)
    ledger.enter(Query("a"), target("ollama", **LOCAL), ten)
    ledger.enter(Query("b", "plan"), target(None, **LOCAL), ten)
    report = ledger.report()
    assert {name: row.calls for name, row in report.by_agent.items()} == {"a": 2, "b": 1}
    assert {name: row.calls for name, row in report.by_purpose.items()} == {"plan": 2, None: 1}
    assert {name: row.input_tokens for name, row in report.by_provider.items()} == {
        "ollama": 20,
        "http://localhost:11434/v1": 10,
    }
    assert report.by_model == {"m": report.total}
    assert report.total == Spent(
        calls=3, input_tokens=30, output_tokens=12, cached_tokens=9, cache_write_tokens=6, reasoning_tokens=3
    )
    shown = report.to_json()
    assert shown["total"]["cost_usd"] == 0.0
    assert shown["accounts"][0]["agent"] == "a"


def test_a_vendor_has_its_list_price_at_its_own_url() -> None:
    assert only(MILLION, target()).cost_usd == pytest.approx(2.5)
    relay = only(MILLION, target(base_url="https://relay.example/v1"))
    assert (relay.cost_usd, relay.unpriced) == (None, 1)


def test_a_model_without_a_price_is_unknown_not_free() -> None:
    found = only(MILLION, target(model="gpt-of-nobody"))
    assert (found.cost_usd, found.unpriced, found.input_tokens) == (None, 1, 1_000_000)


def test_what_was_not_counted_has_no_price_but_on_this_machine() -> None:
    found = only(Usage(output_tokens=5), target())
    assert (found.uncounted, found.cost_usd, found.output_tokens) == (1, None, 5)
    found = only(Usage(), target("ollama", **LOCAL))
    assert (found.uncounted, found.cost_usd) == (1, 0.0)


def test_one_unknown_price_makes_the_sum_unknown_and_keeps_the_rest() -> None:
    ledger = Ledger()
    ledger.enter(Query(), target(), MILLION)
    ledger.enter(Query(), target(model="gpt-of-nobody"), MILLION)
    total = ledger.report().total
    assert total.cost_usd is None
    assert total.priced_usd == pytest.approx(2.5)


def test_a_report_is_of_its_moment() -> None:
    ledger = Ledger()
    first = ledger.report()
    ledger.enter(Query(), target("ollama", **LOCAL), MILLION)
    assert (first.total.calls, ledger.report().total.calls) == (0, 1)


def test_every_thread_is_counted() -> None:
    ledger = Ledger()
    usage = Usage(input_tokens=1, output_tokens=2)
    each = PENDING // 2

    def work() -> None:
        for _ in range(each):
            ledger.enter(Query("a"), target("ollama", **LOCAL), usage)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.report().total == Spent(calls=8 * each, input_tokens=8 * each, output_tokens=16 * each)
