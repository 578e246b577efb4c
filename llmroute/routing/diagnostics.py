"""Where something was written, and what there is to say about it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Origin(NamedTuple):
    """The place where a value was written."""

    kind: Literal["file", "env", "argument", "preset", "mapping", "override"]
    path: str = ""
    """The file, for the kinds `file` and `override`."""
    line: int = 0
    """Counted from 1; 0 where there is none."""
    column: int = 0
    """Counted from 1, in characters; 0 where there is none."""
    name: str = ""
    """The variable (`env`), the argument (`argument`), the preset (`preset`), the JSON pointer (`mapping`), or the file
    as people write it (`override`)."""

    def __str__(self) -> str:
        if self.kind == "file":
            return f"{self.path}:{self.line}" if self.line else self.path
        if self.kind == "env":
            return f"env {self.name}"
        if self.kind == "override":
            return self.name or self.path
        return f"{self.kind} {self.name}"

    def to_json(self) -> dict[str, object]:
        """The origin as `explain --format json` writes it."""
        if self.kind == "file":
            return {"kind": "file", "path": self.path, "line": self.line, "column": self.column}
        if self.kind == "override":
            return {"kind": self.kind, "path": self.path}
        return {"kind": self.kind, "name": self.name}


class Related(NamedTuple):
    """A second place that a diagnostic speaks of."""

    line: int
    column: int
    message: str


class Diagnostic(NamedTuple):
    """One thing that is wrong, or looks wrong, at one place."""

    code: str
    """`LR` and three digits; never used again for something else."""
    rule: str
    """The slug of the rule, the name of its page."""
    severity: Severity
    message: str
    origin: Origin
    hint: str = ""
    pointer: str = ""
    """JSON pointer (RFC 6901) into the file; empty for the file as a whole."""
    length: int = 1
    """How many characters the caret line marks, from `origin.column` on."""
    related: tuple[Related, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The diagnostic as `validate --format json` writes it; lines and columns count from 1."""
        return {
            "code": self.code,
            "rule": self.rule,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
            "path": self.origin.path or self.origin.name,
            "line": self.origin.line or 1,
            "column": self.origin.column or 1,
            "pointer": self.pointer,
            "related": [related._asdict() for related in self.related],
        }
