# SPDX-License-Identifier: MIT
"""Reads the promises of SECURITY.md, and finds the tests that they name.

A promise is an item of a list under "## Promises". It names its tests in a nested item:

    * The promise, in sentences.
      - Test: `integration/guest/test_log.py` `Secrets`; `unit/test_url.c` `only_host_and_port_of_a_url_are_shown`

A path is that of a file below tests/. The names after the path are functions or classes that this file defines.
test_promises.py checks SECURITY.md with this module.
"""
import ast
import re

SECTION = re.compile(r"^## Promises\n(.*?)(?=^## |\Z)", re.M | re.S)
ITEM = re.compile(r"^\* (.*?)(?=^\* |^#|\Z)", re.M | re.S)
TESTS = re.compile(r"^  - Test: (.*?)(?=^  - |\Z)", re.M | re.S)
QUOTED = re.compile(r"`([^`]+)`")
C_TEST = re.compile(r"^static void (\w+)\(void \*\*state\)$", re.M)


def promises(text):
    """[(the first words of a promise, [(file, name), ...])] for each promise. The name is None if no name follows the
    file; the file is None if no file precedes the name."""
    found = []
    for section in SECTION.findall(text):
        for item in ITEM.findall(section):
            words = " ".join(re.split(r"^  - Test:", item, flags=re.M)[0].split())
            found.append((words[:60], [pair for tests in TESTS.findall(item) for pair in named(tests)]))
    return found


def named(text):
    """(file, name) of each test in the text after "Test:"."""
    file, names = None, []
    for word in QUOTED.findall(text):
        if re.search(r"\.(?:py|c)$", word):
            if file is not None and not names:
                yield file, None
            file, names = word, []
        else:
            names.append(word)
            yield file, word
    if file is not None and not names:
        yield file, None


def classes_with_made_tests(tree):
    """The classes to which the file adds tests with setattr(CLASS, ...)."""
    return [node.args[0].id for node in ast.walk(tree) if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name) and node.func.id == "setattr" and isinstance(node.args[0], ast.Name)]


def python_tests(source):
    """The test functions and the classes with tests of a Python file."""
    tree = ast.parse(source)
    found = set(classes_with_made_tests(tree))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            tests = {each.name for each in node.body
                     if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")}
            found |= tests | ({node.name} if tests else set())
    return found


def c_tests(source):
    """The test functions of a C file that the file also passes to a macro cmocka_unit_test...()."""
    listed = set(re.findall(r"\bcmocka_unit_test\w*\((\w+)", source))
    return listed.intersection(C_TEST.findall(source))


def is_run(root, path):
    """True if the meson.build of the file's folder, or of a parent folder below `root`, contains the name of the
    test."""
    name = path.stem.removeprefix("test_")
    folder = path.parent
    while folder != root:
        build = folder / "meson.build"
        if build.is_file() and re.search(rf"'{name}'", build.read_text(encoding="utf-8")):
            return True
        folder = folder.parent
    return False


def faults(text, tests):
    """A description of each promise without a test, of each incomplete name of a test, and of each test that does not
    exist or is not run. `tests` is the folder tests/ of a source tree."""
    for words, pairs in promises(text):
        if not pairs:
            yield f"{words}: names no test"
        for file, name in pairs:
            if file is None:
                yield f"{words}: names no file before {name}"
                continue
            path = tests / file
            if not path.is_file():
                yield f"{words}: there is no file tests/{file}"
                continue
            source = path.read_text(encoding="utf-8")
            if name is None:
                yield f"{words}: names no function or class of tests/{file}"
            elif name not in (c_tests(source) if path.suffix == ".c" else python_tests(source)):
                yield f"{words}: tests/{file} has no test {name}"
            elif not is_run(tests, path):
                yield f"{words}: no meson.build runs tests/{file}"
