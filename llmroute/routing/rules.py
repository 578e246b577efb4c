"""The rules by code and slug: what `validate` can say, and what stops a decision.

A code is never used again for something else. The page of a rule (`llmroute rule CODE`, `docs/rules/`) is in
`llmroute.routing.rule_pages`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.diagnostics import Severity


class Rule(NamedTuple):
    """One rule."""

    code: str
    slug: str
    severity: Severity
    summary: str


_TABLE: tuple[tuple[str, str, Severity, str], ...] = (
    # Reading the file
    ("LR001", "unreadable-file", "error", "The file can't be read."),
    ("LR002", "file-too-large", "error", "The file is larger than 16 MiB."),
    ("LR003", "bad-encoding", "error", "The file is not UTF-8."),
    ("LR004", "yaml-syntax", "error", "The file is not YAML."),
    ("LR005", "empty-spec", "error", "The file holds no document."),
    ("LR006", "not-a-mapping", "error", "The document is a list or a single value."),
    ("LR007", "multiple-documents", "error", "The file holds more than one document."),
    ("LR008", "duplicate-key", "error", "A key stands twice in one mapping."),
    ("LR009", "yaml-tag", "error", "A YAML tag is used."),
    ("LR010", "too-many-aliases", "error", "Aliases expand to more than a document should hold."),
    ("LR011", "recursive-alias", "error", "An alias stands inside of its own anchor."),
    ("LR012", "too-deep", "error", "The document is nested too deep."),
    ("LR013", "ambiguous-scalar", "error", "A number means different things in YAML 1.1 and 1.2."),
    ("LR014", "key-type", "error", "A key is not a text."),
    ("LR015", "number-not-finite", "error", "A number is infinite or not a number."),
    ("LR016", "number-range", "error", "A number is too large."),
    ("LR017", "bad-pointer", "error", "The part of the file that PATH#/pointer names is not there."),
    # The shape, and the names
    ("LR100", "unknown-key", "error", "A key that the format does not know."),
    ("LR101", "invalid-value", "error", "A value of the wrong type, or out of range."),
    ("LR102", "missing-field", "error", "A field that must be there is not."),
    ("LR103", "unknown-provider", "error", "A provider that is neither declared nor a preset."),
    ("LR104", "unknown-purpose", "error", "A purpose that is not declared under purposes."),
    ("LR105", "bad-name", "error", "A name with characters that names can't have."),
    ("LR106", "unsupported-version", "error", "A version of the format that this release does not read."),
    ("LR107", "null-value", "error", "A field that is written and left empty."),
    ("LR108", "wildcard-swallows", "warning", 'A name near a declared one, which the entry "*" takes in.'),
    ("LR111", "unknown-agent", "error", "An agent that is not declared under agents."),
    ("LR112", "unknown-client", "error", "A client that is not declared under clients."),
    ("LR113", "unknown-setting", "error", "env.names gives names to a setting that the environment doesn't have."),
    ("LR114", "unknown-api", "warning", "A wire format that only an adapter of another package can speak."),
    # Decisions
    ("LR201", "no-endpoint", "error", "No scope names a provider or a URL."),
    ("LR202", "no-model", "error", "No scope has a model that belongs to the endpoint."),
    ("LR203", "orphan-key", "error", "A key stands on a scope that selects no endpoint."),
    ("LR204", "missing-key", "error", "The key of a target is not there."),
    ("LR205", "model-not-offered", "error", "A model outside of the provider's closed list."),
    ("LR206", "remote-fallback", "error", "A fallback is more remote than its primary, without the opt-in."),
    ("LR207", "constraint-violated", "error", "No target meets the requirements."),
    ("LR208", "bad-environment", "error", "A variable holds no usable value."),
    ("LR209", "bad-argument", "error", "A client argument holds no usable value."),
    ("LR210", "bad-url", "error", "A base URL that can't be used."),
    ("LR211", "untrusted-key", "error", "A spec that was found sends a key to an origin that nobody has trusted."),
    # Checks
    ("LR301", "alias-cycle", "error", "Aliases of a provider go round in a circle."),
    ("LR302", "inline-secret", "error", "A key stands in the file."),
    ("LR303", "credential-header", "error", "A header that carries a credential."),
    ("LR304", "vendor-key-elsewhere", "warning", "A vendor's key variable is declared beside another host."),
    ("LR305", "colliding-variables", "error", "Two settings are read from the same variable."),
    ("LR306", "bad-interpolation", "error", "A dollar sign that begins no variable."),
    ("LR307", "unset-variable", "warning", "Variables that the spec uses are not set."),
    ("LR308", "locality-loosened", "error", "A locality nearer than the URL's own."),
    ("LR309", "setting-without-endpoint", "error", "An endpoint setting on a scope that selects no endpoint."),
    ("LR310", "reference-beside-url", "warning", "A model beside a base_url is read as provider/model."),
    ("LR311", "key-in-the-clear", "error", "A key travels over plain HTTP to another machine."),
    ("LR312", "repeated-target", "warning", "A fallback that is in the chain already."),
    ("LR313", "homeless-model", "warning", "A model that belongs to no endpoint."),
    ("LR314", "foreign-model", "warning", "A model that never reaches the endpoint chosen beside it."),
    ("LR315", "unknown-variable", "warning", "A variable with the spec's prefix that no setting reads."),
    ("LR316", "policy-matches-nothing", "warning", "A policy names what is not there."),
    ("LR317", "not-met", "warning", "A target does not meet what only warns."),
    ("LR318", "repeated-policy", "error", "Two policies have one name."),
    ("LR319", "empty-policy", "warning", "A policy that requires and denies nothing."),
    ("LR320", "transport-header", "error", "A header that steers the connection."),
    ("LR321", "context-not-set", "warning", "A context window that Ollama is not told of."),
)

RULES: Mapping[str, Rule] = {slug: Rule(code, slug, severity, summary) for code, slug, severity, summary in _TABLE}
"""The rules by slug."""

BY_CODE: Mapping[str, Rule] = {rule.code: rule for rule in RULES.values()}
"""The rules by code."""
