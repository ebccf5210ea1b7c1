# SPDX-License-Identifier: MIT
"""Programs under rds-iam exec that cannot load the preload, or that need a setting to load it: programs of
another C library, static programs, programs for another processor, and programs with AddressSanitizer. rds-iam exec
starts each program. If a program cannot load the preload, a warning names the program and states what the program
cannot do."""
import os
import pathlib
import shutil

from cloud import needs_root
from labcase import USER, LabCase, harness
import ways

NOBODY = 65534

ENVIRONMENT = """
#include <stdio.h>
extern char **environ;
int main(void)
{
    for (char **at = environ; *at != NULL; at++) {
        puts(*at);
    }
    return 0;
}
"""
OVERFLOW = """
#include <stdlib.h>
int main(int argc, char **argv)
{
    volatile char *bytes = malloc(8);
    return bytes[7 + argc];
}
"""
# Executes the program in its arguments in its own process, as a statically linked shell or container runtime does.
STARTS = """
#include <unistd.h>
int main(int argc, char **argv)
{
    return argc < 2 ? 2 : execvp(argv[1], argv + 1);
}
"""
SAYS_WHO = harness.SOURCE / "tests/integration/src/says_who.c"
E_MACHINE = 18
OURS = {"LD_PRELOAD", "MARIADB_PLUGIN_DIR", "LIBMYSQL_PLUGINS", "LIBMYSQL_PLUGIN_DIR"}
OTHER_WAYS = ("; a libpq program needs the passfile of rds-iam-agent (rds-iam setup postgres) or a token in "
              "PGPASSWORD (rds-iam token), a MySQL program needs a token as its password\n")


class ProgramCase(LabCase):
    def compile(self, name, text, *command):
        path = self.home.path / name
        result = harness.run([*command, "-x", "c", "-o", path, "-"], stdin=text)
        self.assertEqual(result.returncode, 0, result.stderr)
        return path

    def musl(self, name="musl", *flags):
        return self.compile(name, ENVIRONMENT, "musl-gcc", *flags)

    def exec(self, *command, **extra):
        # Clears the lab's own LD_PRELOAD: musl and AddressSanitizer would reject it as they reject that of rds-iam.
        return self.home.run([harness.installed("bin/rds-iam"), "exec", "--", *command],
                             **{"LD_PRELOAD": "", **extra})

    @staticmethod
    def variables(result):
        return dict(line.split("=", 1) for line in result.stdout.splitlines())

    def other_libc(self, program):
        return (f"rds-iam: warning: {program} uses another C library (/lib/ld-musl-x86_64.so.1) and cannot load "
                "librds-iam-pq.so; the program runs without this library, so neither this program nor the programs "
                "that it starts make tokens" + OTHER_WAYS)

    @staticmethod
    def static(program):
        return (f"rds-iam: warning: {program} is statically linked and loads no library, so it makes no tokens "
                "itself" + OTHER_WAYS)


class StartedBy(ProgramCase):
    """A program on libmariadb, started by a program that cannot load the preload."""

    def login(self, *before):
        server = self.lab.mariadb
        return self.home.run(
            [harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--", *before,
             ways.PROGRAMS / "says_who", server.host, server.port, USER, ""], LD_PRELOAD="libnss_wrapper.so")

    def test_by_a_static_program(self):
        for name, command in (("static", ("gcc", "-static")), ("musl-static", ("musl-gcc", "-static"))):
            with self.subTest(program=name):
                program = self.compile(name, STARTS, *command)
                result = self.login(program)
                self.assertEqual((result.stdout, result.stderr), (f"{USER}@%\n", self.static(program)))
        self.assert_accepted(2)

    def test_by_a_musl_program(self):
        """A musl program would abort with the preload, so rds-iam exec starts it without the preload. Therefore the
        programs that the musl program starts have no preload either."""
        program = self.compile("musl", STARTS, "musl-gcc")
        result = self.home.run([harness.installed("bin/rds-iam"), "exec", "--", program, "env"], LD_PRELOAD="")
        self.assertEqual(result.stderr, self.other_libc(program))
        self.assertEqual(OURS & {name for name, value in self.variables(result).items() if value}, set())
        self.assertEqual(self.login().stdout, f"{USER}@%\n", "control")

    @needs_root
    def test_a_program_with_more_rights_than_its_caller(self):
        """The library still loads the plugin that MARIADB_PLUGIN_DIR names, but the plugin sends nothing."""
        server = self.lab.mariadb
        self.home.write(".config/rds-iam/config", f"[127.0.0.1:{server.port}]\nendpoint = {server.host}:{server.port}\n")
        program = self.home.path / "says_who"
        for mode in (0o4755, 0o2755):
            shutil.copy(ways.PROGRAMS / "says_who", program)
            os.chown(program, NOBODY, NOBODY)
            program.chmod(mode)
            with self.subTest(mode=oct(mode)):
                result = self.home.run([harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--", program,
                                        "127.0.0.1", server.port, USER, ""])
                self.assertIn(f"rds-iam: warning: {program} runs with more rights than its caller", result.stderr)
                self.assertIn("ERROR 2061: rds-iam: 127.0.0.1 is not an RDS endpoint", result.stderr,
                              "control: the plugin was loaded, and reads no configuration in such a program")
                self.assertEqual(result.stdout, "")
        self.assert_nothing_sent()
        program.chmod(0o755)
        self.assertEqual(self.login().stdout, f"{USER}@%\n", "control")


class Musl(ProgramCase):
    def assert_run_without(self, result, program):
        self.assertEqual((result.returncode, result.stderr), (0, self.other_libc(program)))
        found = self.variables(result)
        self.assertEqual(found.get("LD_PRELOAD", ""), "")
        self.assertEqual(OURS & set(found) - {"LD_PRELOAD"}, set())
        self.assertEqual(found["PGSSLMODE"], "verify-full")

    def test_a_musl_program_runs_without_the_preload(self):
        program = self.musl()
        self.assert_run_without(self.exec(program), program)
        refused = self.home.run([program], LD_PRELOAD=str(ways.preload()))
        self.assertNotEqual(refused.returncode, 0, "control: the program does not start with the preload")
        self.assertIn("Error relocating", refused.stderr)

    def test_a_musl_program_found_in_path_by_a_script_or_by_env(self):
        program = self.musl("musl-by-name")
        path = {"PATH": f"{self.home.path}:{self.home.env()['PATH']}"}
        self.assert_run_without(self.exec("musl-by-name", **path), program)
        first = self.home.write("first", f"#! {program} word\n", 0o700)
        for name, line in (("second", f"#!{first}"), ("by-env", "#!/usr/bin/env musl-by-name"),
                           ("by-env-s", "#!/usr/bin/env -S A=1 musl-by-name -x")):
            with self.subTest(line=line):
                script = self.home.write(name, line + "\n", 0o700)
                self.assert_run_without(self.exec(script, **path), program)
        self.assert_run_without(self.exec(first), program)

    def test_exec_inside_exec(self):
        program = self.musl()
        outer = [harness.installed("bin/rds-iam"), "exec", "--"]
        self.assert_run_without(self.exec(*outer, program), program)
        own = self.exec(*outer, program, LIBMYSQL_PLUGINS="a;b", MARIADB_PLUGIN_DIR="/own")
        self.assertEqual(self.variables(own)["LIBMYSQL_PLUGINS"], "a;b", "the user's own settings stay")

    def test_a_static_program_causes_a_warning_and_its_children_get_the_preload(self):
        static = ways.PROGRAMS / "first_line_static"
        result = self.exec(static, self.home.write("text", "12345\n"))
        self.assertEqual((result.stdout, result.stderr), ("6\n", self.static(static)))
        for flags in (("-static",), ("-static-pie", "-fPIE")):
            with self.subTest(flags=flags):
                program = self.compile("static", ENVIRONMENT, "gcc", *flags)
                result = self.exec(program)
                self.assertEqual(result.stderr, self.static(program))
                self.assertIn("librds-iam-pq.so", self.variables(result)["LD_PRELOAD"], "for its children")
        program = self.musl("musl-static", "-static")
        self.assertEqual(self.exec(program).stderr, self.static(program))

    def test_programs_that_load_the_preload_cause_no_warning(self):
        script = self.home.write("script", "#!/usr/bin/env python3\nprint(1)\n", 0o700)
        no_line = self.home.write("no-line", "echo 1\n", 0o700)
        empty = self.home.write("empty", "", 0o700)
        loader = harness.run(["readelf", "-p", ".interp", "/bin/true"]).stdout.split()[-1]
        for command in (["true"], [script], [no_line], [empty], [loader, "/bin/true"]):
            with self.subTest(command=command):
                result = self.exec(*command)
                self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_a_program_for_another_processor(self):
        program = self.home.path / "foreign"
        shutil.copy("/bin/true", program)
        with program.open("r+b") as file:
            file.seek(E_MACHINE)
            file.write(b"\xf3\x00" if os.uname().machine != "riscv64" else b"\x3e\x00")
        result = self.exec(program)
        self.assertIn(f"rds-iam: warning: {program} is built for another processor or word size and cannot load "
                      "librds-iam-pq.so; the program runs without this library", result.stderr)

    def test_damaged_files_are_left_to_the_kernel(self):
        content = pathlib.Path("/bin/true").read_bytes()
        for size in (4, 63, 64, 500):
            program = self.home.path / f"cut-{size}"
            program.write_bytes(content[:size])
            program.chmod(0o700)
            with self.subTest(size=size):
                result = self.exec(program)
                self.assertNotEqual(result.returncode, 0)
                self.assertNotIn("warning", result.stderr)


class AddressSanitizer(ProgramCase):
    def settings(self):
        pg = self.lab.pg
        return {"PGHOST": pg.host, "PGPORT": str(pg.port), "PGUSER": USER, "PGDATABASE": self.lab.database_name,
                "PGSSLROOTCERT": str(self.lab.ca_file), "LD_PRELOAD": "libnss_wrapper.so"}

    def test_a_libpq_program_logs_in(self):
        program = ways.PROGRAMS / "ways_asan"
        for reach in ("linked", "dlsym"):
            for options in ({}, {"ASAN_OPTIONS": "abort_on_error=0"}, {"ASAN_OPTIONS": "verify_asan_link_order=1"}):
                with self.subTest(reach=reach, options=options):
                    result = self.exec(program, reach, "connectdb", "", **self.settings(), **options)
                    self.assertEqual((result.stdout, result.stderr), (f"ok {USER}\n", ""))
        self.assert_accepted(6)
        refused = self.home.run([program, "linked", "connectdb", ""], **self.settings())
        self.assertIn("ASan runtime does not come first", refused.stderr, "control: AddressSanitizer rejects a preload")

    def test_a_libmariadb_program_logs_in(self):
        """gcc links AddressSanitizer's runtime as a shared object. clang puts it into the program unless
        -shared-libasan is given."""
        server = self.lab.mariadb
        libraries = harness.run(["mariadb_config", "--cflags", "--libs"]).stdout.split()
        for name, compiler in (("gcc", ("gcc",)), ("gcc-static", ("gcc", "-static-libasan")), ("clang", ("clang",))):
            program = self.home.path / name
            built = harness.run([*compiler, "-fsanitize=address", "-o", program, SAYS_WHO, *libraries])
            self.assertEqual(built.returncode, 0, built.stderr)
            words = (server.host, server.port, USER, "")
            with self.subTest(compiler=name):
                result = self.home.run([harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--", program,
                                        *words], LD_PRELOAD="libnss_wrapper.so")
                self.assertEqual((result.returncode, result.stdout, result.stderr), (0, f"{USER}@%\n", ""))
                refused = self.home.run([program, *words], LD_PRELOAD="libnss_wrapper.so")
                self.assertEqual("ASan runtime does not come first" in refused.stderr, name == "gcc", "control")
        self.assertEqual([v["reason"] for v in self.verdicts() if v["token_length"] > 0], [None] * 3)

    def test_address_sanitizer_still_finds_errors(self):
        program = self.compile("overflow", OVERFLOW, "gcc", "-g", "-fsanitize=address")
        result = self.exec(program)
        self.assertIn("heap-buffer-overflow", result.stderr)
        self.assertEqual(result.returncode, self.home.run([program], LD_PRELOAD="").returncode)

    def test_a_static_runtime_and_other_sanitizers(self):
        for name, command in (("static", ("gcc", "-fsanitize=address", "-static-libasan")),
                              ("undefined", ("gcc", "-fsanitize=undefined")),
                              ("thread", ("gcc", "-fsanitize=thread")),
                              ("leak", ("gcc", "-fsanitize=leak"))):
            with self.subTest(name=name):
                result = self.exec(self.compile(name, ENVIRONMENT, *command))
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertNotIn("ASAN_OPTIONS", self.variables(result))
        program = self.compile("address", ENVIRONMENT, "gcc", "-fsanitize=address")
        for given, found in ((None, "verify_asan_link_order=0"),
                             ("log_path=/a:b=1", "log_path=/a:b=1:verify_asan_link_order=0")):
            result = self.exec(program, **({} if given is None else {"ASAN_OPTIONS": given}))
            self.assertEqual(self.variables(result)["ASAN_OPTIONS"], found)


if __name__ == "__main__":
    harness.main()
