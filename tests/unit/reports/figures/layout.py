"""What is wrong with how a figure is laid out, as a reader of the printed page would see it."""

from collections.abc import Iterator
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox

SLACK = 1.0  # pixels at 200 dots per inch: boxes of letters are rounded to whole ones


def problems(figure: Figure) -> list[str]:
    """Texts that touch each other or leave the figure, legends on panels, panels without anything in them."""
    figure.set_dpi(200)
    figure.draw_without_rendering()
    whole = Bbox([[0, 0], figure.bbox.size])
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    found = [f"{name!r} leaves the figure" for name, box in boxes if not inside(box, whole)]
    found += [f"{a!r} touches {b!r}" for (a, one), (b, two) in combinations(boxes, 2) if touch(one, two)]
    for legend in figure.legends:
        box = legend.get_window_extent()
        found += [] if inside(box, whole) else ["the legend leaves the figure"]
        found += ["the legend lies on a panel" for axes in figure.axes if touch(box, axes.get_window_extent())]
    found += [f"panel {place} is empty" for place, axes in enumerate(figure.axes) if not drawn(axes)]
    return found


def texts(figure: Figure) -> Iterator[Text]:
    """Every text that is to be seen."""
    found = list(figure.texts) + [text for legend in figure.legends for text in labels_of(legend)]
    for axes in figure.axes:
        found += [axes.title, *axes.texts]
        if axes.axison:
            found += [text for axis in (axes.xaxis, axes.yaxis) for text in labels_on(axis)]
    return (text for text in found if text.get_text().strip() and text.get_visible())


def labels_of(legend: Legend) -> list[Text]:
    return list(legend.get_texts())


def labels_on(axis: Axis) -> list[Text]:
    low, high = sorted(axis.get_view_interval())
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]  # others are not drawn
    return [axis.label, *(text for tick in ticks for text in (tick.label1, tick.label2))]


def drawn(axes: Axes) -> bool:
    return any(
        artist.get_visible() for kind in (axes.lines, axes.patches, axes.collections, axes.images) for artist in kind
    )


def inside(box: Bbox, whole: Bbox) -> bool:
    return bool(
        box.x0 >= whole.x0 - SLACK and box.y0 >= whole.y0 - SLACK
        and box.x1 <= whole.x1 + SLACK and box.y1 <= whole.y1 + SLACK
    )  # fmt: skip


def touch(one: Bbox, two: Bbox) -> bool:
    across = min(one.x1, two.x1) - max(one.x0, two.x0)
    up = min(one.y1, two.y1) - max(one.y0, two.y0)
    return bool(across > SLACK and up > SLACK)
