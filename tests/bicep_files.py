"""The Bicep files as syntax trees: what they declare, and what they set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import tree_sitter
import tree_sitter_bicep
from tree_sitter import Node

REPOSITORY = Path(__file__).parents[1]
BICEP = REPOSITORY / "infra" / "bicep"
MODULES = BICEP / "modules"

_DECLARATIONS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
    "type_declaration": "type",
}


@dataclass(frozen=True)
class Declaration:
    """A param, var, resource, module, output or type."""

    kind: str
    name: str
    node: Node

    @property
    def description(self) -> str:
        """The text of its @description decorator; empty where it has none."""
        decorators = (each for each in walk(self._decorators) if each.type == "decorator")
        described = (each for each in decorators if text(each).startswith("@description("))
        return next((literals(each)[0] for each in described), "")

    @property
    def is_secure(self) -> bool:
        """True where it has the @secure() decorator."""
        return "@secure()" in text(self._decorators)

    @property
    def is_optional(self) -> bool:
        """True for a param that has a default or may be null."""
        return any(child.type in {"=", "nullable_type"} for child in walk(self.node))

    @property
    def is_existing(self) -> bool:
        """True for a resource that is only referred to."""
        return any(text(child) == "existing" for child in self.node.children)

    @property
    def target(self) -> str:
        """A resource's type with its version, or a module's path."""
        return literals(next(child for child in self.node.named_children if child.type == "string"))[0]

    @property
    def properties(self) -> Mapping[str, Node]:
        """The values at the top level of its object, by name."""
        return _properties(next(each for each in walk(self.node) if each.type == "object"))

    def keys(self, name: str) -> Sequence[str]:
        """The names within one of its properties, where that is an object; none where there is no such property."""
        value = self.properties.get(name)
        return list(_properties(value)) if value is not None else []

    @property
    def _decorators(self) -> Node:
        """The node before it where that holds decorators, itself otherwise."""
        before = self.node.prev_named_sibling
        return before if before is not None and before.type == "decorators" else self.node


@dataclass(frozen=True)
class BicepFile:
    """One file."""

    path: Path

    @cached_property
    def root(self) -> Node:
        """Its syntax tree."""
        return _parser().parse(self.path.read_bytes()).root_node

    @property
    def source(self) -> str:
        """The file's content."""
        return self.path.read_text(encoding="utf-8")

    @property
    def errors(self) -> Sequence[str]:
        """Where its syntax is wrong."""
        wrong = (node for node in walk(self.root) if node.is_error or node.is_missing)
        return [f"{self.path.name}:{node.start_point[0] + 1}: {text(node)[:40]!r}" for node in wrong]

    def declared(self, kind: str) -> Mapping[str, Declaration]:
        """Its declarations of one kind, nested ones too, by name."""
        found = (each for each in walk(self.root) if _DECLARATIONS.get(each.type) == kind)
        return {name: Declaration(kind, name, node) for node in found if (name := _name(node))}


def bicep_files() -> Sequence[BicepFile]:
    """All files, modules included."""
    return [BicepFile(path) for path in sorted(BICEP.rglob("*.bicep"))]


def literals(node: Node) -> Sequence[str]:
    """The text literals in and below a node, without those that are put together from parts."""
    strings = (each for each in walk(node) if each.type == "string")
    return ["".join(text(part) for part in each.named_children) for each in strings if _is_plain(each)]


def text(node: Node) -> str:
    """A node as it is written."""
    return (node.text or b"").decode()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in node.children:
        yield from walk(child)


def _is_plain(string: Node) -> bool:
    return all(part.type in {"string_content", "escape_sequence"} for part in string.named_children)


def _name(declaration: Node) -> str:
    return next((text(child) for child in declaration.named_children if child.type == "identifier"), "")


def _properties(obj: Node) -> Mapping[str, Node]:
    pairs = (each.named_children for each in obj.named_children if each.type == "object_property")
    return {text(pair[0]).strip("'"): pair[-1] for pair in pairs if len(pair) > 1}


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))
