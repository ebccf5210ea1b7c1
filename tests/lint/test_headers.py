# SPDX-License-Identifier: MIT
"""Every header compiles on its own, so headers can be included in any order."""
import pathlib
import tempfile
import unittest

import harness

FOLDERS = ["common", "mysql_plugin", "pg_plugin"]


def compiles_alone(header):
    flags = ["-I%s" % (harness.SOURCE / f) for f in FOLDERS]
    # The header is included twice, to test its include guard.
    text = '#include "%s"\n#include "%s"\nint main(void) { return 0; }\n' % (header, header)
    return harness.run(
        ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
         "-x", "c", *flags, "-"], stdin=text)


class Headers(unittest.TestCase):
    def test_each_header_compiles_alone(self):
        headers = [h for f in FOLDERS for h in sorted((harness.SOURCE / f).rglob("*.h"))]
        self.assertGreater(len(headers), 10)
        for header in headers:
            with self.subTest(header=header.name):
                result = compiles_alone(header)
                self.assertEqual(result.returncode, 0, result.stderr)

    def test_control_a_header_that_needs_another_one_is_found(self):
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            header = pathlib.Path(scratch) / "incomplete.h"
            header.write_text("bool f(struct ria_buf *buf, uint8_t byte);\n", encoding="utf-8")
            self.assertNotEqual(compiles_alone(header).returncode, 0)


harness.main()
