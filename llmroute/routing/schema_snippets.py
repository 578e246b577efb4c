r"""What an editor with a YAML language server offers to insert, in VS Code's keyword `defaultSnippets`.

`${1:text}` is a place to fill in, `${1|a,b|}` a choice; `\$` is a plain dollar sign. No key of a snippet has a
hyphen: the language server takes it for an entry of a list, and indents it so.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_API = "${2|openai-chat,anthropic-messages,ollama-chat|}"
_LOCALITY = "${2|local,lan,remote|}"


def _snippet(label: str, says: str, body: Any) -> dict[str, Any]:
    return {"label": label, "description": says, "body": body}


_MODEL_AND_FALLBACK = _snippet(
    "model and fallback",
    "A model, and another for when it fails.",
    {"model": "${1:anthropic/claude-sonnet-5-5}", "fallbacks": ["${2:openai/gpt-6-luna}"]},
)
SNIPPETS: Mapping[str, tuple[dict[str, Any], ...]] = MappingProxyType(
    {
        "providers": (
            # As text: of an empty mapping the language server makes an entry without a value, which is an error.
            _snippet(
                "preset",
                "A vendor or a local server that is known by name; a vendor's key is in its own variable.",
                {"${1:anthropic}": "{}"},
            ),
            _snippet(
                "server",
                "A server of your own: URL, wire format and key.",
                {
                    "${1:server}": {
                        "api": _API,
                        "base_url": "${3:http://localhost:8000/v1}",
                        "api_key": r"\${${4:MY_SERVER_KEY}}",
                        "model": "${5:qwen3:8b}",
                    }
                },
            ),
            _snippet(
                "preset elsewhere",
                "A known kind of server under another name and URL.",
                {"${1:gpu}": {"preset": "${2:ollama}", "base_url": "${3:http://192.168.1.20:11434/v1}"}},
            ),
        ),
        "purposes": (
            _snippet("purpose", "A model for one kind of call.", {"${1:planning}": {"model": "${2:claude-opus-5-5}"}}),
        ),
        "agents": (
            _snippet(
                "agent on its own provider",
                "Neither a client nor the environment moves it.",
                {"${1:picker}": {"provider": "${2:ollama}", "model": "${3:qwen3:8b}"}},
            ),
            _snippet(
                "agent that stays near",
                "Wherever else it is sent, that is an error.",
                {"${1:picker}": {"require": {"locality": _LOCALITY}}},
            ),
            _snippet(
                "agent with a model for a purpose",
                "Its model for one purpose, beside its own.",
                {
                    "${1:reviewer}": {
                        "model": "${2:anthropic/claude-sonnet-5-5}",
                        "purposes": {"${3:planning}": {"model": "${4:anthropic/claude-opus-5-5}"}},
                    }
                },
            ),
        ),
        "clients": (
            _snippet(
                "client", "A program that embeds the engine.", {"${1:ci}": {"model": "${2:anthropic/claude-haiku-5-5}"}}
            ),
        ),
        "policies": (
            _snippet(
                "policy: stay near",
                "These agents never leave the machine or its network.",
                {
                    "name": "${1:secrets-stay-here}",
                    "agents": ["${3:picker}"],
                    "require": {"locality": _LOCALITY},
                    "because": "${4:the code is secret}",
                },
            ),
            _snippet(
                "policy: never there",
                "A provider that is never used.",
                {"name": "${1:no-such-vendor}", "deny": {"providers": ["${2:deepseek}"]}},
            ),
            _snippet(
                "policy: only there",
                "The only providers that may be used.",
                {"name": "${1:these-vendors}", "require": {"providers": ["${2:anthropic}"]}},
            ),
        ),
        "tests": (
            _snippet(
                "test",
                "What a query must lead to: `llmroute test`.",
                {
                    "name": "${1:the picker stays local}",
                    "query": {"agent": "${2:picker}"},
                    "expect": {"provider": "${3:ollama}", "locality": "${4|local,lan,remote|}"},
                },
            ),
        ),
        "Scope": (_MODEL_AND_FALLBACK,),
        "NamedScope": (_MODEL_AND_FALLBACK,),
    }
)
"""Snippets by the setting or the class that they fill; of a list, each is one of its entries."""
