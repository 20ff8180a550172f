"""One contract's way through the house, as a graph: who sends it, its asset, dbt, KPIs, features, pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from aurora.catalogue.blast import dbt_kind
from aurora.catalogue.dbt_sql import KPI_TABLE, RAW
from aurora.catalogue.radius import House

NodeKind = Literal["assistant", "contract", "asset", "staging", "intermediate", "mart", "kpi", "feature", "page"]
NODE_KINDS: Final[tuple[NodeKind, ...]] = (
    "assistant", "contract", "asset", "staging", "intermediate", "mart", "kpi", "feature", "page",
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One station of the way."""

    kind: NodeKind
    name: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Stations and the steps between them, both sorted."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[Node, Node], ...]

    def names(self, kind: NodeKind) -> list[str]:
        """Names of the stations of one kind."""
        return [node.name for node in self.nodes if node.kind == kind]


def contract_graph(house: House, table: str) -> Graph:
    """The way of the rows of one contract."""
    contract, asset = Node("contract", table), Node("asset", f"raw/{table}")
    edges = {(contract, asset)} | {(node, contract) for node in _senders(house, table)}
    stations = {RAW + table: asset}
    below = house.lineage.below([RAW + table])
    for name in (one for one in below if one != KPI_TABLE):  # its KPIs are the stations, not the table of them all
        stations[name] = _dbt_node(house, name)
        edges |= {
            (stations[parent], stations[name]) for parent in house.lineage.models[name].parents if parent in stations
        }
    kpis = [node for node in stations.values() if node.kind == "kpi"]
    relations = {f"raw.{table}": [asset], **{f"mart.{name}": [node] for name, node in stations.items()}}
    if KPI_TABLE in below:  # what people enter has no KPI of its own in between
        parents = house.lineage.models[KPI_TABLE].parents
        relations[f"mart.{KPI_TABLE}"] = kpis or [node for name, node in stations.items() if name in parents]
    for user in house.users:
        if user.kind in ("page", "feature"):
            reader = Node("feature", "serving features") if user.kind == "feature" else Node("page", user.name)
            edges |= {(node, reader) for relation in user.tables for node in relations.get(relation, ())}
    nodes = {contract, asset, *(node for edge in edges for node in edge)}
    return Graph(tuple(sorted(nodes)), tuple(sorted(edges)))


def _senders(house: House, table: str) -> list[Node]:
    assistants = [one.name for one in house.writers if one.kind == "assistant"]
    sending = [one.name for one in house.writers if one.kind == "assistant" and table in one.contracts]
    if len(sending) == len(assistants) > 1:
        return [Node("assistant", f"all {len(assistants)} assistants")]
    return [Node("assistant", name) for name in sending]


def _dbt_node(house: House, name: str) -> Node:
    kind = dbt_kind(house.lineage, name)
    kinds: dict[str, NodeKind] = {"staging": "staging", "intermediate": "intermediate", "kpi": "kpi"}
    return Node(kinds.get(kind, "mart"), name)


_COLORS: Final[dict[NodeKind, str]] = {
    "assistant": "#8a5a2b",
    "contract": "#5b3fd6",
    "asset": "#5b3fd6",
    "staging": "#6b7280",
    "intermediate": "#6b7280",
    "mart": "#0b7285",
    "kpi": "#2b8a3e",
    "feature": "#9c36b5",
    "page": "#c2410c",
}


def as_dot(graph: Graph, *, ink: str, direction: Literal["LR", "TB"] = "LR") -> str:
    """The graph in Graphviz's language; `ink` is the colour of its text, for the page's light or dark."""
    lines = [
        "digraph {",
        f'  rankdir={direction}; bgcolor="transparent"; nodesep=0.15; ranksep=0.45;',
        f'  node [shape=box style=rounded fontname="sans-serif" fontsize=11 fontcolor="{ink}" height=0.3 margin="0.1,0.04"];',
        '  edge [color="#9aa0a6" arrowsize=0.6];',
    ]
    lines += [
        f'  "{node.kind}:{node.name}" [label="{_label(node)}" color="{_COLORS[node.kind]}"];' for node in graph.nodes
    ]
    lines += [f'  "{a.kind}:{a.name}" -> "{b.kind}:{b.name}";' for a, b in graph.edges]
    return "\n".join([*lines, "}"])


def _label(node: Node) -> str:
    said = {"kpi": node.name.removeprefix("kpi_"), "page": f"{node.name} page"}.get(node.kind, node.name)
    return f"{said}\\n{node.kind}" if node.kind in ("contract", "kpi", "assistant") else said


def as_mermaid(graph: Graph) -> str:
    """The graph as a drawing that Markdown readers show."""
    place = {node: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["graph LR"]
    lines += [f'  {place[node]}["{_label(node).split(chr(92))[0]}"]' for node in graph.nodes]
    lines += [f"  {place[a]} --> {place[b]}" for a, b in graph.edges]
    return "\n".join(lines)


def summary(graph: Graph, kinds: Iterable[NodeKind]) -> str:
    """The stations of some kinds in one line: `mart usage_daily, cost_daily; page costs`."""
    told = [(kind, [name.removeprefix("kpi_") for name in graph.names(kind)]) for kind in kinds]
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in told if names)
