"""The sandbox that chat templates are rendered in: what the library transformers allows them, and nothing else.

A template comes with a model, from strangers: it reaches no file, no attribute with an underscore, and changes no value
that it is given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

Span = tuple[int, int]


class _Marks(Extension):
    """The block `{% generation %}`: notes where in the text it came to stand."""

    tags = {"generation"}

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        self.written: list[str] = []
        self.spans: list[Span] = []

    def parse(self, parser: Parser) -> nodes.Node:
        """Read the block up to `{% endgeneration %}`."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller: Callable[[], str]) -> str:
        said = caller()
        # As transformers does: what stands in a macro or a captured block is taken to begin where the text now ends.
        start = sum(map(len, self.written))
        self.spans.append((start, start + len(said)))
        return said


class _Dict:
    """`dict(…)` for templates, without the class itself."""

    def __call__(self, *given: Any, **named: Any) -> dict[Any, Any]:
        return dict(*given, **named)


class _Namespace(Namespace):
    """`namespace(…)` for templates, without names that begin with an underscore."""

    def __init__(*given: Any, **named: Any) -> None:
        self, *rest = given
        held = dict(*rest, **named)
        for name in held:
            _plain(name)
        Namespace.__init__(self, held)

    def __setitem__(self, name: str, value: Any) -> None:
        _plain(name)
        super().__setitem__(name, value)


def _plain(name: object) -> None:
    if str(name).startswith("_"):
        raise SecurityError("a namespace takes no name that begins with an underscore")


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise(message: Any) -> NoReturn:
    raise TemplateError(str(message))


@cache
def compiled(source: str) -> tuple[jinja2.Template, _Marks]:
    """Compile a template; raise `jinja2.TemplateError` where it is none."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Marks, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _tojson
    environment.globals |= {"raise_exception": _raise, "dict": _Dict(), "namespace": _Namespace}
    marks = next(found for found in environment.extensions.values() if isinstance(found, _Marks))
    return environment.from_string(source), marks


@cache
def marked(source: str) -> bool:
    """Say whether a template has a block `{% generation %}`."""
    template, marks = compiled(source)
    tree = template.environment.parse(source)
    return any(
        isinstance(call.call, nodes.Call)
        and isinstance(call.call.node, nodes.ExtensionAttribute)
        and call.call.node.identifier == marks.identifier
        for call in tree.find_all(nodes.CallBlock)
    )


def render(source: str, given: Mapping[str, Any]) -> tuple[str, tuple[Span, ...]]:
    """Render a template: the text, and the spans that stand in generation blocks."""
    template, marks = compiled(source)
    marks.written, marks.spans = [], []
    for piece in template.generate(given):
        marks.written.append(piece)
    return "".join(marks.written), tuple(span for span in marks.spans if span[1] > span[0])
