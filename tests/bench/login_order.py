# SPDX-License-Identifier: MIT
"""Writes mysql_plugin/mariadb/login_order.ld: the functions of the plugin that run in a login with static keys or with
a session token. Run it as tests/python tests/bench/login_order.py, on an x86-64 machine with GNU ld, when
bench_mariadb.py reports more resident memory. A name that no longer exists does no harm.
"""
import os
import pathlib
import re
import subprocess

from bench_mariadb import Cost, harness

SCRIPT = pathlib.Path(__file__).parents[2] / "mysql_plugin/mariadb/login_order.ld"
HEAD = """/* SPDX-License-Identifier: MIT
 *
 * Puts the functions that run in a usual login, and all constants, in front of the other functions.
 * The kernel maps up to 16 pages around each page that a program uses. Those of a login then fit
 * into 16 pages, and the rest of the plugin stays unmapped. Written by tests/bench/login_order.py.
 */
SECTIONS
{
    .text.login :
    {
"""
TAIL = """    }
    .rodata.login :
    {
        *(.rodata .rodata.*)
    }
}
INSERT BEFORE .text;
"""


class Order(Cost):
    test_instructions = test_resident_memory = test_time = None

    def functions(self):
        """The functions of the plugin that one login runs, without the suffixes that the compiler adds."""
        out = self.home.path / "callgrind.out"
        self.log_in("ours", "valgrind", "--tool=callgrind", f"--callgrind-out-file={out}")
        text = subprocess.run(
            ["callgrind_annotate", "--auto=no", "--threshold=100", "--inclusive=yes", out],
            check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
        return set(re.findall(r"\.[ch]:(\w+)\S* \[\S*/mysql_clear_password\.so\]", text))

    def test_write(self):
        names = set()
        for principal in ("etl", "etl-session"):
            self.set_principal(principal)
            names |= self.functions()
        self.assertGreater(len(names), 80)
        lines = [f"        *(.text.{name} .text.{name}.*)\n" for name in sorted(names)]
        SCRIPT.write_text(HEAD + "".join(lines) + TAIL, encoding="utf-8")


del Cost

if __name__ == "__main__":
    harness.main()
