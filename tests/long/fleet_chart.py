# SPDX-License-Identifier: MIT
"""A chart of the requests that reached STS in each second, as SVG: one stacked bar per second, and the phases."""
COLORS = {"answered": "#2a7", "throttled": "#d80", "unavailable": "#999", "silent": "#333"}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 900, 300, 50, 46, 40


def chart(title, requests, phases, rate):
    """phases: [(name, begin, end)]; rate: the requests that STS accepts per second, drawn as a line."""
    start, end = phases[0][1], phases[-1][2]
    seconds = int(end - start) + 1
    counts = [dict.fromkeys(COLORS, 0) for _ in range(seconds)]
    for request in requests:
        at = int(request.when - start)
        if 0 <= at < seconds:
            counts[at][request.outcome] += 1
    top = max(1, *(sum(each.values()) for each in counts))
    wide, high = (WIDTH - LEFT - 10) / seconds, (HEIGHT - TOP - BOTTOM) / top
    base = HEIGHT - BOTTOM
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', f'<text x="10" y="18" font-size="14">{title}</text>']
    for number, (name, begin, stop) in enumerate(phases):
        x, width = LEFT + (begin - start) * wide, (stop - begin) * wide
        if number % 2 == 0:
            lines.append(f'<rect x="{x:.1f}" y="{TOP - 14}" width="{width:.1f}" height="{base - TOP + 14}" fill="#f2f2f2"/>')
        lines.append(f'<text x="{x + 3:.1f}" y="{TOP - 3 - 12 * (number % 2)}" font-size="10">{name}</text>')
    for at, each in enumerate(counts):
        y = base
        for outcome, color in COLORS.items():
            height = each[outcome] * high
            if height:
                y -= height
                lines.append(f'<rect x="{LEFT + at * wide:.2f}" y="{y:.1f}" width="{max(wide, 0.6):.2f}" height="{height:.1f}" fill="{color}"/>')
    level = base - rate * high
    lines += [
        f'<path d="M{LEFT} {level:.1f}H{WIDTH - 10}" stroke="#c00" stroke-dasharray="4 3"/>',
        f'<path d="M{LEFT} {TOP}V{base}H{WIDTH - 10}" stroke="black" fill="none"/>',
        f'<text x="{LEFT - 5}" y="{TOP + 8}" text-anchor="end">{top}/s</text>',
        f'<text x="{LEFT - 5}" y="{base}" text-anchor="end">0</text>',
        f'<text x="{LEFT - 5}" y="{level + 4:.1f}" text-anchor="end" fill="#c00">{rate}/s</text>']
    for mark in range(0, seconds, 60 if seconds > 240 else 20):
        lines.append(f'<text x="{LEFT + mark * wide:.1f}" y="{base + 14}" text-anchor="middle" font-size="10">{mark} s</text>')
    x = LEFT
    for outcome, color in COLORS.items():
        lines.append(f'<rect x="{x}" y="{HEIGHT - 14}" width="10" height="10" fill="{color}"/><text x="{x + 14}" y="{HEIGHT - 5}">{outcome}</text>')
        x += 100
    return "\n".join([*lines, "</svg>"]) + "\n"
