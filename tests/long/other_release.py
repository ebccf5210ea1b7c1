# SPDX-License-Identifier: MIT
"""Installed trees of other releases of rds-iam, and trees that mix the files of two releases.

RIA_OTHER lists the directories of installed trees, separated by colons. Each was built with the same --prefix as the
tree under test. Without RIA_OTHER, this module builds two commits of this clone's history: the first one in which a
test forbids changes of the numbers in records (tests/unit/test_record_numbers.c), and the one RECENT commits before
HEAD. The installed trees stay in build/releases.

A program runs with a tree in a mount namespace in which the tree is mounted over the installed files."""
import functools
import os
import pathlib
import shutil
import subprocess

import harness

RECENT = 20
FIRST_WITH_CONTRACT = "tests/unit/test_record_numbers.c"
STORE = harness.SOURCE / "build" / "releases"
# Parts of the product whose records (common/codec/record.h) have the next version number; see
# integration/src/next/meson.build.
NEXT = harness.BUILD / "tests" / "integration" / "src" / "next"
BIND = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
PARTS = {
    "fetch": ["libexec/rds-iam/rds-iam-fetch"],
    "plugins": ["lib*/**/rds-iam/mariadb/mysql_clear_password.so", "lib*/**/rds-iam/mariadb/aws_rds_iam.so"],
    "preload": ["lib*/**/rds-iam/librds-iam-pq.so", "lib*/**/rds-iam/rds-iam-mysql-host.so"],
    "token module": ["lib*/**/rds-iam/rds-iam-pq-token.so"],
    "agent": ["bin/rds-iam-agent"],
    "tool": ["bin/rds-iam"],
}
NEXT_FILES = {"fetch": "rds-iam-fetch", "plugins": "mysql_clear_password.so", "token module": "rds-iam-pq-token.so"}


def _git(*arguments):
    return subprocess.run(["git", "-C", harness.SOURCE, *arguments], stdout=subprocess.PIPE, text=True,
                          check=True, timeout=60).stdout.split()


def _build(commit):
    """Builds and installs a commit. Returns the installed tree."""
    place = STORE / commit[:12]
    tree = pathlib.Path(f"{place}/root{harness.PREFIX}")
    if (place / "complete").exists():
        return tree
    shutil.rmtree(place, ignore_errors=True)
    (place / "source").mkdir(parents=True)
    commands = (
        f"git -C '{harness.SOURCE}' archive {commit} | tar x -C source",
        f"meson setup out source --prefix='{harness.PREFIX}' -Dtests=false",
        "ninja -C out -j2",
        f"DESTDIR='{place}/root' meson install -C out --no-rebuild",
        "rm -r source out",
    )
    with (place / "log").open("wb") as log:
        for command in commands:
            done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=place, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log, timeout=3000, check=False)
            if done.returncode != 0:
                raise OSError(f"{command}: failed; see {place}/log")
    (place / "complete").touch()
    return tree


@functools.cache
def releases():
    """Returns {name: installed tree}. Removes the trees of other commits, which earlier runs have built."""
    given = os.environ.get("RIA_OTHER")
    if given:
        return {path: pathlib.Path(path) for path in given.split(":")}
    first = _git("log", "--diff-filter=A", "--format=%H", "--", FIRST_WITH_CONTRACT)[-1]
    recent = _git("rev-list", f"--max-count={RECENT + 1}", "HEAD")[-1]
    for place in STORE.glob("*"):
        if place.name not in (first[:12], recent[:12]):
            shutil.rmtree(place)
    return {f"{name} {commit[:8]}": _build(commit) for name, commit in (("first", first), ("recent", recent))}


def files_of(tree, parts):
    """Returns the paths of the files of these parts, relative to the tree."""
    found = [path.relative_to(tree) for part in parts for pattern in PARTS[part] for path in tree.glob(pattern)]
    if len(found) < len(parts):
        raise FileNotFoundError(f"{tree}: lacks files of {parts}")
    return found


def replace(tree, source, name):
    """Replaces a file by rename, as a package manager does."""
    fresh = tree / f"{name}.fresh"
    shutil.copy(source, fresh)
    fresh.rename(tree / name)


def mix(tree, other, parts):
    """Replaces parts of a tree by those of another tree or, if `other` is None, by those whose records have the next
    version number."""
    for part in parts:
        for name in files_of(tree, [part]):
            if other is not None:
                replace(tree, other / name, name)
            elif name.name == NEXT_FILES[part]:
                replace(tree, NEXT / name.name, name)


def under(tree):
    """Returns the command line in front of a program that runs with this tree in place of the installed files."""
    unshare = ["unshare", "--mount"]
    if os.geteuid() != 0:
        unshare += ["--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--keep-caps"]
    return [*unshare, "sh", "-c", BIND, "sh", tree, harness.PREFIX]
