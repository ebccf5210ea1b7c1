# SPDX-License-Identifier: MIT
"""Replays each corpus through its fuzz target, which is built with sanitizers. The target "planted", which contains
defects, is the control."""
import os
import pathlib
import re
import tempfile
import unittest

import harness

PROGRAMS = harness.BUILD / "tests/fuzz"
CORPUS = harness.SOURCE / "tests/fuzz/corpus"
TARGETS = [
    "arguments",
    "cache",
    "config",
    "endpoint",
    "handshake",
    "http",
    "ini",
    "json",
    "mysql",
    "oidc",
    "passfile",
    "portal",
    "process",
    "profiles",
    "record",
    "service",
    "signin",
    "status",
    "token_file",
    "xml",
]


def replay(target, files, cwd):
    return harness.run([PROGRAMS / ("fuzz_" + target), *files], env=dict(os.environ), cwd=cwd)


class Corpora(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(dir=harness.WORK)
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def test_each_target_has_a_corpus_and_a_program(self):
        self.assertEqual(sorted(p.name for p in CORPUS.iterdir()), TARGETS)
        programs = [p.name for p in PROGRAMS.glob("fuzz_*") if p.is_file()]
        self.assertEqual(sorted(programs), sorted("fuzz_" + t for t in [*TARGETS, "planted"]))

    def test_no_input_of_a_corpus_causes_a_finding(self):
        for target in TARGETS:
            with self.subTest(target=target):
                files = sorted((CORPUS / target).iterdir())
                self.assertGreater(len(files), 0)
                result = replay(target, files, self.scratch)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertEqual(result.stdout, "%d files replayed\n" % len(files))
        self.assertEqual(list(self.scratch.iterdir()), [], "a target left a file behind")

    def plant(self, text):
        path = self.scratch / "input"
        path.write_text(text)
        return replay("planted", [path], self.scratch)

    def test_control_planted_defects_are_found(self):
        for text, words in (
            ("o", "AddressSanitizer: heap-buffer-overflow"),
            ("l", "LeakSanitizer: detected memory leaks"),
            ("u", "runtime error: signed integer overflow"),
            ("p", "planted.c:[0-9]+: a property does not hold: size == 0"),
        ):
            with self.subTest(text=text):
                result = self.plant(text)
                self.assertNotEqual(result.returncode, 0)
                self.assertIsNotNone(re.search(words, result.stderr), result.stderr)

    def test_control_an_input_without_a_defect_causes_no_finding(self):
        result = self.plant("x")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "1 files replayed\n", ""))

    def test_control_an_unreadable_file_is_an_error(self):
        self.assertEqual(replay("ini", [self.scratch / "none"], self.scratch).returncode, 1)


harness.main()
