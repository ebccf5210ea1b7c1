# SPDX-License-Identifier: MIT
"""The symbols that the installed objects export and import, the libraries that they need, and their hardening."""
import pathlib
import re
import tempfile
import unittest

import harness

PRELOAD = "lib*/**/rds-iam/librds-iam-pq.so"
PLUGINS = {
    "lib*/**/rds-iam/mariadb/mysql_clear_password.so": ["_mysql_client_plugin_declaration_"],
    "lib*/**/rds-iam/mariadb/aws_rds_iam.so": ["_mysql_client_plugin_declaration_"],
    "lib*/**/rds-iam/mysql/rds_iam_v1.so": ["_mysql_client_plugin_declaration_"],
    "lib*/**/rds-iam/mysql/rds_iam_v2.so": ["_mysql_client_plugin_declaration_"],
    "lib*/**/rds-iam/rds-iam-pq-token.so": ["ria_pq_module_for_version"],
    "lib*/**/rds-iam/rds-iam-mysql-host.so": ["ria_host_module_for_version"],
    PRELOAD: sorted(
        "PQconnectStart PQconnectStartParams PQconnectdb PQconnectdbParams PQping PQpingParams PQreset "
        "PQresetStart PQsetdbLogin __open64_2 __open_2 __openat64_2 __openat_2 __xstat __xstat64 dlsym fopen "
        "fopen64 mysql_close mysql_close_start mysql_init mysql_options mysql_options4 mysql_optionsv "
        "mysql_real_connect mysql_real_connect_nonblocking mysql_real_connect_start mysql_ssl_set "
        "open open64 openat openat64 ria_stderr_at_start "
        "stat stat64".split()),
}
COMMANDS = "lib*/**/rds-iam/rds-iam-commands.so"
PROBE = "libexec/rds-iam/rds-iam-probe"
PROGRAMS = ["bin/rds-iam", "bin/rds-iam-agent", PROBE, COMMANDS]
FETCH = "libexec/rds-iam/rds-iam-fetch"
GUEST_NEEDS = re.compile(r"^(libc|libcrypto|libpthread|libdl)\.so\.|^ld-linux")
CLIENT_LIBRARIES = re.compile(r"libpq|libmariadb|libmysqlclient")
NETWORK_LIBRARIES = re.compile(r"libcurl|libjansson|libexpat")
# exit() and similar functions end the host program; the other functions change its state.
FORBIDDEN = set(
    "exit _exit quick_exit abort __assert_fail signal sigaction umask setenv putenv unsetenv chdir "
    "fchdir atexit __cxa_atexit printf puts putchar localtime gmtime strtok system popen fork "
    "setlocale setrlimit gmtime_r localtime_r tzset __printf_chk".split())

# The preload only reads the host program's signal actions; test_the_preload_only_queries_signal_actions checks it.
# rds-iam-mysql-host.so sets a variable before the main() of a command-line tool, when the process has one thread
# (mysql_plugin/preload/tool_options.c).
QUERIES = {PRELOAD: {"sigaction"}, "lib*/**/rds-iam/rds-iam-mysql-host.so": {"setenv"}}

# getenv() trusts the environment even in a set-uid program. The other functions trust PATH or run a shell.
TRUSTING = set("getenv execvp execvpe execlp posix_spawnp system popen wordexp".split())
# rds-iam exec finds its command in PATH, as the user's shell does, and refuses to run set-uid.
ALLOWED = {"bin/rds-iam": {"execvp"}}


def exported(path):
    lines = harness.run(["nm", "-D", "--defined-only", path]).stdout.splitlines()
    return [line.split()[-1].split("@")[0] for line in lines]


def imported(path):
    lines = harness.run(["nm", "-D", "--undefined-only", path]).stdout.splitlines()
    return {line.split()[-1].split("@")[0] for line in lines}


def needed(path):
    text = harness.run(["readelf", "-d", path]).stdout
    return re.findall(r"\(NEEDED\).*\[(.+)\]", text)


def runs_when_loaded(path):
    text = harness.run(["readelf", "-d", path]).stdout
    return set(re.findall(r"\((INIT|FINI|INIT_ARRAY|FINI_ARRAY)\)", text))


# Protections that the linker and the compiler add, as the ELF file shows them. The functions is_... and has_... below,
# and those in HARDENING, return true if the protection is missing.
def dynamic_flags(path):
    text = harness.run(["readelf", "-dW", path]).stdout
    return {tag: line for tag, line in re.findall(r"\((\w+)\)(.*)", text)}


def segments(path):
    text = harness.run(["readelf", "-lW", path]).stdout
    return [(name, flags.replace(" ", "")) for name, flags in
            re.findall(r"^  ([A-Z_]+) +0x\w+ 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([RWE ]{3})", text, re.M)]


def is_lazy(path):
    flags = dynamic_flags(path)
    return "NOW" not in (flags.get("FLAGS", "") + flags.get("FLAGS_1", "")).replace("BIND_", "")


def is_fixed_in_memory(path):
    """True for a program that is loaded at a fixed address, that is, without the PIE flag. Unlike a program, a library
    has no interpreter, and needs no such flag."""
    kind = re.search(r"Type: +(\w+)", harness.run(["readelf", "-hW", path]).stdout).group(1)
    is_program = "INTERP" in dict(segments(path))
    return kind != "DYN" or (is_program and "PIE" not in dynamic_flags(path).get("FLAGS_1", ""))


def has_code_on_the_stack(path):
    stacks = [flags for name, flags in segments(path) if name == "GNU_STACK"]
    return len(stacks) != 1 or "E" in stacks[0]


HARDENING = {
    "RELRO": lambda path: "GNU_RELRO" not in dict(segments(path)),
    "NOW": is_lazy,
    "PIE": is_fixed_in_memory,
    "stack protector": lambda path: "__stack_chk_fail" not in imported(path),
    "no search path": lambda path: bool({"RPATH", "RUNPATH"} & set(dynamic_flags(path))),
    "no code on the stack": has_code_on_the_stack,
    "no writable code": lambda path: any(name == "LOAD" and "W" in flags and "E" in flags
                                         for name, flags in segments(path)),
    "no relocation in code": lambda path: "TEXTREL" in str(dynamic_flags(path)),
}


def elf_files(root):
    """All ELF files below root. Links are not followed, because they lead to files of other packages."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF":
            yield path


def weaknesses(root):
    return sorted((path.relative_to(root).as_posix(), rule) for path in elf_files(root)
                  for rule, is_broken in HARDENING.items() if is_broken(path))


def compile_plugin(scratch, text, *flags):
    path = pathlib.Path(scratch) / "planted.so"
    result = harness.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", path, *flags], stdin=text)
    assert result.returncode == 0, result.stderr
    return path


def preload_sources():
    return [path for folder in (
                "common/interpose", "common/preload", "mysql_plugin/preload", "pg_plugin/preload")
            for path in sorted((harness.SOURCE / folder).glob("*.c"))]


class Objects(unittest.TestCase):
    def test_a_plugin_exports_only_its_symbols(self):
        for pattern, symbols in PLUGINS.items():
            self.assertEqual(sorted(exported(harness.installed(pattern))), symbols)

    def test_one_object_replaces_dlsym(self):
        replacing = [path for path in elf_files(harness.PREFIX) if "dlsym" in exported(path)]
        self.assertEqual(replacing, [harness.installed(PRELOAD)])

    def test_a_plugin_needs_libc_and_libcrypto_only(self):
        for pattern in PLUGINS:
            names = needed(harness.installed(pattern))
            self.assertTrue(names)
            self.assertEqual([n for n in names if not GUEST_NEEDS.match(n)], [])

    def test_the_preload_needs_libc_only(self):
        names = needed(harness.installed(PRELOAD))
        self.assertEqual([n for n in names if not re.match(r"libc\.so\.|ld-linux", n)], [])
        self.assertIn("libcrypto.so.3", needed(harness.installed("lib*/**/rds-iam/rds-iam-pq-token.so")))

    def test_rds_iam_exec_needs_libc_only(self):
        names = needed(harness.installed("bin/rds-iam"))
        self.assertEqual([n for n in names if not re.match(r"libc\.so\.|ld-linux", n)], [])
        self.assertIn("libcrypto.so.3", needed(harness.installed(COMMANDS)), "control: the other commands")
        self.assertEqual(exported(harness.installed(COMMANDS)), ["ria_commands_run"])

    def test_a_plugin_calls_no_function_that_changes_its_host_except_those_listed(self):
        for pattern in PLUGINS:
            self.assertEqual(imported(harness.installed(pattern)) & FORBIDDEN, QUERIES.get(pattern, set()), pattern)

    def test_the_preload_only_queries_signal_actions(self):
        calls = [call for path in preload_sources()
                 for call in re.findall(r"\bsigaction\(.*", path.read_text(encoding="utf-8"))]
        self.assertEqual([call.split(",")[1] for call in calls], [" NULL"])

    def test_no_object_trusts_path_or_the_environment_of_a_set_uid_program(self):
        for pattern in [*PLUGINS, *PROGRAMS, FETCH]:
            names = imported(harness.installed(pattern))
            self.assertEqual(names & TRUSTING, ALLOWED.get(pattern, set()), pattern)
            if pattern != PROBE:  # the only object that does not read the environment
                self.assertIn("secure_getenv", names, "control: the object reads the environment")

    def test_the_preload_itself_reads_only_four_variables(self):
        """To find root certificates, the preload needs HOME and the variables that rds-iam exec sets. MARIADB_HOME,
        even with an empty value, changes the directory of a tool's option file. The preload's log also reads
        RDS_IAM_LOG (common/os/guest_log.c)."""
        calls = {(path.name, name) for path in preload_sources()
                 for name in re.findall(r"\w*getenv\w*\((.*?)\)", path.read_text(encoding="utf-8"))}
        self.assertEqual(calls, {
            ("verified.c", '"HOME"'),
            ("verified.c", '"RDS_IAM_CA"'), ("verified.c", '"RDS_IAM_CA_PUBLIC"'),
            ("tool_options.c", '"MARIADB_HOME"')})

    def test_a_plugin_is_never_unmapped_and_is_bound_when_it_is_loaded(self):
        for pattern in PLUGINS:
            flags = harness.run(["readelf", "-d", harness.installed(pattern)]).stdout
            self.assertIn("NODELETE", flags)
            self.assertIn("NOW", flags)

    def test_a_mysql_plugin_runs_no_code_when_it_is_loaded(self):
        for pattern in [name for name in PLUGINS if "/mariadb/" in name or "/mysql/" in name]:
            self.assertEqual(runs_when_loaded(harness.installed(pattern)), set())

    def test_no_installed_object_links_a_client_library(self):
        for pattern in [*PLUGINS, *PROGRAMS, FETCH]:
            names = needed(harness.installed(pattern))
            self.assertEqual([n for n in names if CLIENT_LIBRARIES.search(n)], [], pattern)

    def test_only_rds_iam_fetch_links_the_network(self):
        for pattern in [*PLUGINS, *PROGRAMS]:
            names = needed(harness.installed(pattern))
            self.assertEqual([n for n in names if NETWORK_LIBRARIES.search(n)], [], pattern)
        names = needed(harness.installed(FETCH))
        self.assertEqual(len([n for n in names if NETWORK_LIBRARIES.search(n)]), 3, "control: it links the three network libraries")

    def test_control_a_planted_plugin_breaks_each_rule(self):
        text = "#include <stdlib.h>\nint one; int two;\n" \
               'char *f(void) { char *home = getenv("HOME"); if (!home) abort(); return home; }\n'
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            path = compile_plugin(scratch, text, "-Wl,--no-as-needed", "-lm")
            self.assertGreater(len(exported(path)), 1)
            self.assertEqual([n for n in needed(path) if not GUEST_NEEDS.match(n)], ["libm.so.6"])
            self.assertEqual(imported(path) & FORBIDDEN, {"abort"})
            self.assertEqual(imported(path) & TRUSTING, {"getenv"})
            self.assertEqual(runs_when_loaded(path), {"INIT", "FINI", "INIT_ARRAY", "FINI_ARRAY"})
            self.assertNotIn("NODELETE", harness.run(["readelf", "-d", path]).stdout)


class Hardening(unittest.TestCase):
    """Checks every installed ELF file below the prefix."""

    def test_every_object_has_every_protection(self):
        self.assertEqual(weaknesses(harness.PREFIX), [])

    def test_control_the_walk_finds_programs_and_plugins(self):
        found = {path.relative_to(harness.PREFIX).as_posix() for path in elf_files(harness.PREFIX)}
        expected = {harness.installed(p).relative_to(harness.PREFIX).as_posix() for p in [*PLUGINS, *PROGRAMS, FETCH]}
        self.assertLessEqual(expected, found)
        programs = {path for path in found if path.startswith(("bin/", "libexec/"))}
        self.assertLessEqual(programs, expected, "add the program to PROGRAMS")

    def test_control_each_removed_protection_is_reported(self):
        text = "#include <string.h>\nint main(int c, char **v) { char a[64]; strcpy(a, v[c - 1]); return a[c]; }\n" \
               "#ifdef WRITABLE_CODE\n" \
               "int both __attribute__((section(\".both,\\\"awx\\\",@progbits #\"))) = 1;\n#endif\n"
        good = ["-fPIE", "-pie", "-fstack-protector-strong", "-Wl,-z,relro,-z,now,-z,noexecstack"]
        rows = {
            "good": ([], set()),
            "norelro": (["-Wl,-z,norelro"], {"RELRO"}),
            "lazy": (["-Wl,-z,lazy"], {"NOW"}),
            "fixed": (["-fno-pie", "-no-pie"], {"PIE"}),
            "unprotected": (["-fno-stack-protector"], {"stack protector"}),
            "rpath": (["-Wl,-rpath,/tmp", "-Wl,--disable-new-dtags"], {"no search path"}),
            "runpath": (["-Wl,-rpath,$ORIGIN", "-Wl,--enable-new-dtags"], {"no search path"}),
            "execstack": (["-Wl,-z,execstack"], {"no code on the stack"}),
            "writable-code": (["-DWRITABLE_CODE"], {"no writable code"}),
            "moved-code": (["-shared", "-fno-pic", "-mcmodel=large", "-Wl,-z,notext"], {"no relocation in code"}),
            "library": (["-shared"], set()),
            "lazy-library": (["-shared", "-Wl,-z,lazy"], {"NOW"}),
        }
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            root = pathlib.Path(scratch)
            (root / "lib" / "folder").mkdir(parents=True)
            for name, (flags, _) in rows.items():
                common = [flag for flag in good if not ("-shared" in flags and flag in ("-fPIE", "-pie"))]
                pic = ["-fPIC"] if "-shared" in flags and "-fno-pic" not in flags else []
                result = harness.run(["gcc", "-x", "c", "-", "-o", root / "lib" / "folder" / name, *common, *pic, *flags],
                                     stdin=text)
                self.assertEqual(result.returncode, 0, result.stderr)
            found = weaknesses(root)
            for name, (_, broken) in rows.items():
                with self.subTest(name=name):
                    rules = {rule for path, rule in found if path == f"lib/folder/{name}"}
                    self.assertEqual(rules, broken)


harness.main()
