"""Small plots as SVG text. Each stands on a plate of its own, dark where the reader's system is, so that it can be read
on any page."""

import math
from xml.sax.saxutils import escape

LIGHT = ["#6e7781", "#0969da", "#1a7f37", "#bc4c00", "#8250df", "#bf3989", "#9a6700", "#1b7c83"]
DARK = ["#9ea7b3", "#58a6ff", "#3fb950", "#f0883e", "#bc8cff", "#f778ba", "#d29922", "#39c5cf"]


def _page(width, height, title, body):
    light = "".join(f".c{i}{{fill:{c}}}.l{i}{{stroke:{c}}}" for i, c in enumerate(LIGHT))
    dark = "".join(f".c{i}{{fill:{c}}}.l{i}{{stroke:{c}}}" for i, c in enumerate(DARK))
    style = (
        "text{font:13px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2328}"
        ".plate{fill:#ffffff;stroke:#d1d9e0}.title{font-size:16px;font-weight:600}.head{font-weight:600}"
        ".quiet{fill:#59636e;font-size:12px}.grid{stroke:#d1d9e0}.axis{stroke:#59636e}.whisker{stroke:#1f2328}"
        ".line{fill:none;stroke-width:2}" + light +
        "@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.plate{fill:#0d1117;stroke:#3d444d}"
        ".quiet{fill:#9198a1}.grid{stroke:#3d444d}.axis{stroke:#9198a1}.whisker{stroke:#f0f6fc}" + dark + "}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{escape(title, {chr(34): "&quot;"})}"><style>{style}</style>'
            f'<rect class="plate" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="6"/>'
            f'{_text(20, 28, title, "title")}{body}</svg>\n')


def _text(x, y, words, kind="", anchor="start", turn=""):
    extra = f' class="{kind}"' if kind else ""
    if anchor != "start":
        extra += f' text-anchor="{anchor}"'
    if turn:
        extra += f' transform="rotate({turn} {x:.1f} {y:.1f})"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{extra}>{escape(words)}</text>'


def _line(x1, y1, x2, y2, kind):
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _ticks(most):
    """Round steps from 0 to a round number not below `most`."""
    power = 10 ** math.floor(math.log10(most / 4))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor * 4 >= most * 0.999)
    return [step * i for i in range(math.ceil(most / step - 0.001) + 1)]


def _number(value):
    if value >= 10_000:
        return f"{value / 1000:,.0f} k"
    return f"{value:g}"


def bars(title, unit, panels, form="{:.2f}"):
    """`panels`: (heading, [(label, colour, median, least, most)]). The thin line is the spread over the rounds."""
    label_width, plot_width, row = 110, 470, 24
    width, y, body = label_width + plot_width + 130, 52, ""
    for heading, entries in panels:
        entries = [entry for entry in entries if entry[2] is not None]
        if not entries:
            continue
        ticks = _ticks(max(max(entry[4] for entry in entries), 1e-9))
        scale = plot_width / ticks[-1]
        left = label_width
        body += _text(20, y + 4, heading, "head")
        top, bottom = y + 14, y + 14 + row * len(entries)
        for tick in ticks:
            body += _line(left + tick * scale, top, left + tick * scale, bottom, "grid")
            body += _text(left + tick * scale, bottom + 15, _number(tick), "quiet", "middle")
        for i, (label, colour, median, least, most) in enumerate(entries):
            middle = top + row * i + row / 2
            body += _text(left - 8, middle + 4, label, anchor="end")
            body += (f'<rect class="c{colour % len(LIGHT)}" x="{left}" y="{middle - 8:.1f}" '
                     f'width="{max(1, median * scale):.1f}" height="16" rx="2"/>')
            if most > least:
                body += _line(left + least * scale, middle, left + most * scale, middle, "whisker")
                for end in (least, most):
                    body += _line(left + end * scale, middle - 4, left + end * scale, middle + 4, "whisker")
            body += _text(left + max(median, most) * scale + 6, middle + 4, form.format(median))
        body += _line(left, top, left, bottom, "axis")
        y = bottom + 40
    body += _text(label_width + plot_width / 2, y + 2, unit, "quiet", "middle")
    return _page(width, y + 16, title, body)


def _legend(x, y, names):
    body = ""
    for label, colour in names:
        body += f'<rect class="c{colour % len(LIGHT)}" x="{x}" y="{y - 10}" width="14" height="10" rx="2"/>'
        body += _text(x + 20, y, label)
        x += 34 + 8 * len(label)
    return body


def tail(title, x_unit, series):
    """`series`: (label, colour, [(milliseconds, share of the messages that took longer)]); both axes are logarithmic."""
    points = [point for _, _, line in series for point in line if point[1] > 0]
    if not points:
        return None
    low = math.floor(math.log10(min(x for x, _ in points)))
    high = max(low + 1, math.ceil(math.log10(max(x for x, _ in points))))
    depth = max(2, math.ceil(-math.log10(min(share for _, share in points))))
    left, top, plot_width, plot_height = 90, 74, 560, 300
    px = lambda x: left + (math.log10(x) - low) / (high - low) * plot_width
    py = lambda share: top - math.log10(share) / depth * plot_height
    body = _legend(left, 54, [(label, colour) for label, colour, _ in series])
    for decade in range(low, high + 1):
        body += _line(px(10 ** decade), top, px(10 ** decade), top + plot_height, "grid")
        body += _text(px(10 ** decade), top + plot_height + 18, f"{10 ** decade:g}", "quiet", "middle")
    for power in range(depth + 1):
        share = 10 ** -power
        body += _line(left, py(share), left + plot_width, py(share), "grid")
        name = "all" if power == 0 else f"1 in {10 ** power:,}"
        body += _text(left - 8, py(share) + 4, name, "quiet", "end")
    for _, colour, line in series:
        path = " ".join(f"{px(x):.1f},{py(max(share, 10 ** -depth)):.1f}" for x, share in line)  # nothing beyond: the axis
        body += f'<polyline class="line l{colour % len(LIGHT)}" points="{path}"/>'
    body += _line(left, top, left, top + plot_height, "axis")
    body += _line(left, top + plot_height, left + plot_width, top + plot_height, "axis")
    body += _text(left + plot_width / 2, top + plot_height + 40, x_unit, "quiet", "middle")
    body += _text(20, top + plot_height / 2, "messages that took longer", "quiet", "middle", turn="-90")
    return _page(left + plot_width + 40, top + plot_height + 56, title, body)


def histograms(title, x_unit, bins_per_decade, series):
    """`series`: (label, colour, {bin: share}); a panel each, over one logarithmic axis."""
    numbers = [number for _, _, shares in series for number in shares]
    if not numbers:
        return None
    low = math.floor(min(numbers) / bins_per_decade)
    high = max(low + 1, math.ceil((max(numbers) + 1) / bins_per_decade))
    left, plot_width, panel, gap, top = 90, 560, 84, 22, 56
    bin_width = plot_width / ((high - low) * bins_per_decade)
    most = max(share for _, _, shares in series for share in shares.values())
    body, y = "", top
    for label, colour, shares in series:
        bottom = y + panel
        for decade in range(low, high + 1):
            x = left + (decade - low) * bins_per_decade * bin_width
            body += _line(x, y, x, bottom, "grid")
        for number, share in shares.items():
            size = share / most * (panel - 6)
            body += (f'<rect class="c{colour % len(LIGHT)}" x="{left + (number - low * bins_per_decade) * bin_width:.1f}"'
                     f' y="{bottom - max(size, 0.6):.1f}" width="{max(bin_width - 1, 1):.1f}"'
                     f' height="{max(size, 0.6):.1f}"/>')
        body += _line(left, bottom, left + plot_width, bottom, "axis")
        body += _text(left - 8, bottom - 4, "0", "quiet", "end")
        body += _text(left - 8, y + 10, f"{most * 100:.0f} %", "quiet", "end")
        body += _text(left - 8, y + panel / 2 + 8, label, "head", "end")
        y = bottom + gap
    for decade in range(low, high + 1):
        x = left + (decade - low) * bins_per_decade * bin_width
        body += _text(x, y - gap + 16, f"{10.0 ** decade:g}", "quiet", "middle")
    body += _text(left + plot_width / 2, y + 18, x_unit, "quiet", "middle")
    return _page(left + plot_width + 40, y + 32, title, body)
