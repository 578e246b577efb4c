"""What the answers of a router came to: calls, tokens and their list price, by whom and for what."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.catalog.presets import PRESETS
from llmroute.wire import shape
from llmroute.wire.chat import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llmroute.routing.route import Query, Target
    from llmroute.wire.chat import Reply

_NO_USAGE = Usage()
PENDING = 1000
"""So many answers wait for their price; loading the price list is no part of a call."""


class Account(NamedTuple):
    """For whom, what for, and who answered."""

    agent: str | None
    purpose: str | None
    provider: str
    """The provider's name, or the URL of an endpoint that has none."""
    model: str
    """The model that was asked for there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """A sum over answers. Failed attempts are in none: nobody said what they cost."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """The part of the input that was read from a cache."""
    cache_write_tokens: int = 0
    """The part of the input that was written to one."""
    reasoning_tokens: int = 0
    """The part of the output that was thinking."""
    uncounted: int = 0
    """Answers that came without counts of their input or output; the tokens are a lower bound then."""
    unpriced: int = 0
    """Answers whose price is not known."""
    priced_usd: float = 0.0
    """List prices of the others, in US dollars."""

    @property
    def cost_usd(self) -> float | None:
        """The list price of all of it in US dollars, None when that of one answer is not known."""
        return None if self.unpriced else self.priced_usd

    def to_json(self) -> dict[str, Any]:
        """All sums, `cost_usd` included."""
        return {**asdict(self), "cost_usd": self.cost_usd}


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The sums of a router at one moment."""

    accounts: Mapping[Account, Spent]
    """The finest division."""

    @property
    def total(self) -> Spent:
        """All answers."""
        return _sum(self.accounts.values())

    @property
    def by_agent(self) -> dict[str | None, Spent]:
        """By agent; None: a request that named none."""
        return self._by(lambda account: account.agent)

    @property
    def by_purpose(self) -> dict[str | None, Spent]:
        """By purpose; None: a request that named none."""
        return self._by(lambda account: account.purpose)

    @property
    def by_provider(self) -> dict[str | None, Spent]:
        """By the provider that answered."""
        return self._by(lambda account: account.provider)

    @property
    def by_model(self) -> dict[str | None, Spent]:
        """By the model that answered, whoever serves it."""
        return self._by(lambda account: account.model)

    def _by(self, part: Callable[[Account], str | None]) -> dict[str | None, Spent]:
        groups: defaultdict[str | None, list[Spent]] = defaultdict(list)
        for account, spent in self.accounts.items():
            groups[part(account)].append(spent)
        return {name: _sum(group) for name, group in groups.items()}

    def to_json(self) -> dict[str, Any]:
        """The total, and one row for each account."""
        rows = [{**account._asdict(), **spent.to_json()} for account, spent in self.accounts.items()]
        return {"total": self.total.to_json(), "accounts": rows}

    @classmethod
    def from_json(cls, data: object, at: str = "") -> UsageReport:
        """The inverse of `to_json`.

        Raises:
            ConversionError: the data is no report; `pointer` says where.
        """
        accounts: dict[Account, Spent] = {}
        for i, item in enumerate(shape.array(shape.as_object(data, at), "accounts", at)):
            where = shape.pointer(at, "accounts", i)
            row = shape.as_object(item, where)
            who, what = (shape.optional(row, name, str, where) for name in ("agent", "purpose"))
            account = Account(who, what, shape.text(row, "provider", where), shape.text(row, "model", where))
            sums: dict[str, Any] = {part.name: row.get(part.name, part.default) for part in fields(Spent)}
            for part in fields(Spent):
                shape.expect(sums[part.name], type(part.default), shape.pointer(where, part.name))
            accounts[account] = Spent(**sums)
        return cls(accounts)


class Ledger:
    """Takes an entry for each answer; any thread may enter and read."""

    def __init__(self, now: Callable[[], float] = time.time, before: UsageReport | None = None) -> None:
        """Begin at nothing, or at the sums of `before`; `now` gives seconds since 1970, for prices that change."""
        self._now = now
        self._lock = threading.Lock()
        self._accounts: dict[Account, Spent] = dict(before.accounts) if before is not None else {}
        self._pending: list[tuple[Query, Target, Usage, float]] = []

    def enter(self, query: Query, target: Target, usage: Usage) -> None:
        """One answer of the target."""
        with self._lock:
            self._pending.append((query, target, usage, self._now()))
            if len(self._pending) >= PENDING:
                self._settle()

    def enter_reply(self, reply: Reply) -> None:
        """One answer, as a router gave it."""
        answered = reply.attempts[-1].target
        target = next(each for each in reply.resolution.route.targets if each.name == answered)
        self.enter(reply.resolution.query, target, reply.usage or _NO_USAGE)

    def report(self) -> UsageReport:
        """The sums up to now."""
        with self._lock:
            self._settle()
            return UsageReport(dict(self._accounts))

    def _settle(self) -> None:
        pending, self._pending = self._pending, []
        groups: defaultdict[Account, list[Spent]] = defaultdict(list)
        for query, target, usage, at in pending:
            account = Account(query.agent, query.purpose, target.provider or target.base_url, target.model)
            groups[account].append(_one(target, usage, at))
        for account, group in groups.items():
            self._accounts[account] = _sum([self._accounts.get(account, Spent()), *group])


def _sum(parts: Iterable[Spent]) -> Spent:
    rows = list(parts)
    return Spent(**{name: sum(getattr(row, name) for row in rows) for name in Spent.__dataclass_fields__})


def _one(target: Target, usage: Usage, at: float) -> Spent:
    cost = list_price_usd(target, usage, at)
    return Spent(
        calls=1,
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        cached_tokens=usage.cached_tokens or 0,
        cache_write_tokens=usage.cache_write_tokens or 0,
        reasoning_tokens=usage.reasoning_tokens or 0,
        uncounted=int(usage.input_tokens is None or usage.output_tokens is None),
        unpriced=int(cost is None),
        priced_usd=cost or 0.0,
    )


def list_price_usd(target: Target, usage: Usage, at: float) -> float | None:
    """The list price of one answer: 0 on this machine, known for a vendor at its own URL only."""
    if target.locality == "local":
        return 0.0
    vendor = next((name for name, preset in PRESETS.items() if preset.base_url == target.base_url), None)
    if vendor is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    from llmroute.catalog.prices import TokenCounts, cost_usd

    tokens = TokenCounts(
        usage.input_tokens, usage.output_tokens, usage.cached_tokens or 0, usage.cache_write_tokens or 0
    )
    return cost_usd(vendor, target.model, tokens, datetime.fromtimestamp(at, UTC))
