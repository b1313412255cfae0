"""Figures as papers print them. One file a family; `catalogue` says which of them a report has.

A family's `figure` is a pure function from data, in a frozen dataclass, to a matplotlib Figure; `table` gives the same
data as numbers and `key` its legend. `gather` makes the data from the blocks of a report, `sheet` lays panels out,
`marks` and `scales` hold what several figures draw alike, `files` and `inline` write.
"""

from reports.figures.catalogue import Compared, plates
from reports.figures.critical_difference import Ranks
from reports.figures.forest import Difference, Forest
from reports.figures.matrix import Matrix
from reports.figures.plate import Form, Key, Looks, Panel, Plate, Table

__all__ = [
    "Compared",
    "Difference",
    "Forest",
    "Form",
    "Key",
    "Looks",
    "Matrix",
    "Panel",
    "Plate",
    "Ranks",
    "Table",
    "plates",
]
