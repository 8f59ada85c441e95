"""Charts as SVG text, for a page that needs nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from html import escape

from training_job.evaluate import ReliabilityBin

_WIDTH, _HEIGHT, _MARGIN = 360, 220, 34
_COLOURS = ("#1f5fa8", "#c2571a", "#2e7d4f", "#7a3e9d")
Points = Sequence[tuple[float, float]]


def curves(series: Mapping[str, Sequence[float]], top: float | None = None) -> str:
    """Values per epoch, a line each, from 0 up to `top` (the largest value unless given)."""
    highest = top or max((value for values in series.values() for value in values), default=1.0) or 1.0
    longest = max(map(len, series.values()), default=1)
    lines = {
        name: [(number / max(1, longest - 1), value / highest) for number, value in enumerate(values)]
        for name, values in series.items()
    }
    return _frame(lines, ("1", str(longest), "epoch"), f"{highest:.3g}", dots=longest == 1)


def reliability_diagram(series: Mapping[str, Sequence[ReliabilityBin]]) -> str:
    """Accuracy over confidence; an honest model lies on the diagonal."""
    lines: dict[str, Points] = {"honest": [(0.0, 0.0), (1.0, 1.0)]}
    lines |= {name: [(b.confidence, b.accuracy) for b in bins] for name, bins in series.items()}
    return _frame(lines, ("0", "1", "confidence"), "1", dots=True)


def _frame(lines: Mapping[str, Points], below: tuple[str, str, str], highest: str, *, dots: bool) -> str:
    """Axes from 0 to 1 with `lines` in them, and their names on top."""
    right, bottom = _WIDTH - _MARGIN, _HEIGHT - _MARGIN
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f'<path d="M{_MARGIN} {_MARGIN}V{bottom}H{right}" fill="none" stroke="#888"/>',
        _text(_MARGIN, bottom + 14, below[0]),
        _text(right, bottom + 14, below[1], "end"),
        _text((_MARGIN + right) / 2, bottom + 26, below[2], "middle"),
        _text(_MARGIN - 4, _MARGIN + 4, highest, "end"),
        _text(_MARGIN - 4, bottom, "0", "end"),
    ]
    for index, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        places = [(_MARGIN + x * (right - _MARGIN), bottom - y * (bottom - _MARGIN)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if dots:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        parts.append(_text(_MARGIN + 8 + index * 105, 14, name, colour=colour))
    return "".join([*parts, "</svg>"])


def _text(x: float, y: float, content: str, anchor: str = "start", colour: str = "#444") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{escape(content)}</text>'
