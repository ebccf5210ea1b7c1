# SPDX-License-Identifier: MIT
"""What every benchmark uses: commands that run alternately, and the figures of one row.

If RIA_BENCH_ROWS names a file, record() also appends each row that has a name to this file, for report.py."""
import dataclasses
import json
import os
import statistics
import time


@dataclasses.dataclass
class Command:
    argv: list
    env: dict
    stdin: str = "/dev/null"

    def run(self):
        """Runs the command, which must succeed. Returns the elapsed milliseconds, and the processor milliseconds of the
        command and of all processes that it waited for."""
        words = [str(word) for word in self.argv]
        actions = [(os.POSIX_SPAWN_OPEN, 0, self.stdin, os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
        start = time.perf_counter_ns()
        pid = os.posix_spawnp(words[0], words, self.env, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        wall = (time.perf_counter_ns() - start) / 1e6
        if status != 0:
            raise RuntimeError(f"{words} ended with the status {os.waitstatus_to_exitcode(status)}")
        return wall, (usage.ru_utime + usage.ru_stime) * 1000


def alternate(commands, rounds):
    """Runs the commands in turn. Returns one list of (elapsed, processor) milliseconds for each command. The first
    round only fills the page cache."""
    rows = [[command.run() for command in commands] for _ in range(rounds + 1)]
    return [list(column) for column in zip(*rows[1:])]


def column(runs, index):
    return [run[index] for run in runs]


def ratios(ours, theirs):
    return [our / their for our, their in zip(ours, theirs)]


def digits(value):
    """Four significant digits, without an exponent: 1.005, 12.34, 3,366, 0.005124."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    places = 3
    while abs(value) >= 10 ** (4 - places):
        places -= 1
    while abs(value) < 10 ** (3 - places):
        places += 1
    return f"{value:.{places}f}"


def summary(values):
    """The median, and the minimum and the maximum if there are several values."""
    middle = digits(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({digits(min(values))} to {digits(max(values))})"


def chart(title, bars, unit):
    """An SVG with one horizontal bar for each (name, value); the first bar is rds-iam's."""
    widest = max(value for _, value in bars)
    height = 44 + 30 * len(bars)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{height}" font-family="sans-serif" font-size="13">',
             f'<rect width="720" height="{height}" fill="white"/>', f'<text x="10" y="22" font-size="14">{title}</text>']
    for i, (name, value) in enumerate(bars):
        y = 36 + 30 * i
        width = max(1.5, 320 * value / widest)
        lines.append(f'<text x="230" y="{y + 15}" text-anchor="end">{name}</text>'
                     f'<rect x="240" y="{y}" width="{width:.1f}" height="20" fill="{"#2a7" if i == 0 else "#999"}"/>'
                     f'<text x="{248 + width:.1f}" y="{y + 15}">{value:,.1f} {unit}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def record(name, what, values, unit="", note=""):
    """Prints the median, minimum and maximum of one row. `name` is the row's name in report.py, or None. `note`
    contains the absolute figures from which a ratio was computed."""
    values = list(values)
    print(f"# {what:64} {summary(values)}{' ' if unit else ''}{unit}{'; ' if note else ''}{note}", flush=True)
    if name and (path := os.environ.get("RIA_BENCH_ROWS")):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"name": name, "values": values, "unit": unit, "note": note}) + "\n")
