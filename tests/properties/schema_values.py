"""Random documents made of the JSON Schema itself, and small damages to them."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from random import Random

_anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def values(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a part of the schema accepts, most of them small."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return st.deferred(lambda: values(root["$defs"][name], root))
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([values(branch, root) for branch in schema["anyOf"]])
    kinds = {"object": _objects, "array": _arrays, "string": _texts, "number": _numbers, "integer": _integers}
    if schema.get("type") == "boolean":
        return st.booleans()
    make = kinds.get(schema.get("type", ""))
    return _anything if make is None else make(schema, root)


def _objects(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    others = schema.get("additionalProperties", True)
    if others is not False:
        names = _texts(schema.get("propertyNames", {}), root)
        inner = values(others, root) if isinstance(others, dict) else _anything
        return st.dictionaries(names, inner, max_size=2)
    properties = schema["properties"]
    required = {name: values(properties[name], root) for name in schema.get("required", ())}
    optional = [name for name in properties if name not in required]

    def chosen(names: list[str]) -> st.SearchStrategy[Any]:
        return st.fixed_dictionaries({**required, **{name: values(properties[name], root) for name in names}})

    return st.lists(st.sampled_from(optional), max_size=4, unique=True).flatmap(chosen) if optional else chosen([])


def _arrays(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.lists(values(schema["items"], root), min_size=schema.get("minItems", 0), max_size=3)


def _texts(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    del root
    if "pattern" in schema:
        return st.from_regex(schema["pattern"]).filter(lambda text: len(text) <= schema.get("maxLength", 200))
    return st.text(max_size=5)


def _numbers(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    del root
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
    floats = st.floats(low, high, exclude_min="exclusiveMinimum" in schema)
    return floats | st.integers(int(low) + ("exclusiveMinimum" in schema), int(high))


def _integers(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    del root
    integers = st.integers(schema["minimum"], schema["maximum"])
    return integers | st.integers(-5, 5).map(float).filter(lambda number: schema["minimum"] <= number)


def damaged(document: Any, luck: Random) -> Any:
    """A document with one thing in it changed, taken out or put in."""
    result = deepcopy(document)
    place = result
    for _ in range(luck.randint(0, 6)):
        inner = list(place.values()) if isinstance(place, dict) else place
        inner = [item for item in inner if isinstance(item, dict | list) and item]
        if not inner:
            break
        place = luck.choice(inner)
    keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
    key = luck.choice([*keys, *(["zzz", "", "a\n", "model", "*"] if isinstance(place, dict) else [])])
    if luck.random() < 0.2 and key in keys:
        del place[key]
    else:
        place[key] = luck.choice(ODD)
    return result


ODD: list[Any] = [
    *[None, True, False, 0, -0.0, 1, 1.0, -1, 1.5, 2, 3, 100.0, 1e20, 1e308, 5e-324, 2**63, -(2**63) - 1, 2**64 - 1],
    *["", " ", "\n", "a", "a\n", "\u2028", "\xa0", "\u3000", "\u200b", "\x85", "\x1c", "\ufeff", "٣", "é", "*", "a/b"],
    *["none", "bearer", "local", "${X}", "a" * 128, "a" * 129, "😀" * 128, "x\r", "x\x00", "/a", "a/", "a//b"],
    *[[], {}, [None], [""], ["a"], ["a"] * 65, {"a": None}, {"": "a"}, {"a\n": "b"}, {"file": "x"}, {"keyring": "a/b"}],
    *[{"file": "x", "keyring": "a/b"}, {"keyring": "a/b\n"}, {"*": {}}, {"provider": "x"}, {"name": "x"}],
]
"""Values at the edges of what settings can be."""
