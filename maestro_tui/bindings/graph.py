"""Keys that are heard on Graph."""

from maestro_tui.bindings.key import Key, Panel, Place

ON_GRAPH = frozenset({Panel.GRAPH, Panel.LINKS})

KEYS = (
    Key(
        name="graph-of-a-project",
        keys="p",
        shown="p",
        action="project",
        label="project",
        help="Show the graph of the next project",
        place=Place.GRAPH,
        rank=2,
        panels=ON_GRAPH,
    ),
    Key(
        name="only-critical-path",
        keys="c",
        shown="c",
        action="only_critical",
        label="critical path",
        help="Show only the longest chain, or all layers again",
        place=Place.GRAPH,
        rank=3,
        panels=ON_GRAPH,
    ),
    Key(
        name="loose-tasks",
        keys="o",
        shown="o",
        action="loose",
        label="loose tasks",
        help="Show tasks that wait for nothing and that nothing waits for, too, or hide them",
        place=Place.GRAPH,
        rank=5,
        panels=ON_GRAPH,
    ),
    Key(
        name="filter-graph",
        keys="slash",
        shown="/",
        action="search",
        label="filter",
        help="Show only the tasks that have these words",
        place=Place.GRAPH,
        rank=6,
        panels=ON_GRAPH,
    ),
)
