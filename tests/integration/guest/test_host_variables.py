# SPDX-License-Identifier: MIT
"""The loader and OpenSSL variables of the host program.

rds-iam-fetch starts without these variables. A credential_process gets them back. If rds-iam-fetch cannot load its
libraries, the process that started it starts it once more, with the host's LD_LIBRARY_PATH. If rds-iam-fetch fails,
the message names its exit status or its signal.

Most tests replace the installed rds-iam-fetch in a mount namespace of their own.
"""
import json
import os
import re
import secrets
import shutil

from cloud import CloudCase
from labcase import harness
from service import Services, await_true

TOOL = harness.installed("bin/rds-iam")
FETCH = harness.installed("libexec/rds-iam/rds-iam-fetch")
NAMES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "OPENSSL_CONF", "OPENSSL_CONF_INCLUDE",
         "OPENSSL_ENGINES", "OPENSSL_MODULES")
REPLACE = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
# Replaces rds-iam-fetch: logs its environment, then runs the commands {ends}, then executes the real program.
REPLACEMENT = """#!/bin/sh
tr '\\0' '\\n' </proc/$$/environ >>{log}; echo started >>{log}
{ends}
exec {program}
"""


class HostVariablesCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.log = self.home.path / "started"
        self.program = self.home.path / "rds-iam-fetch"
        self.program.write_bytes(FETCH.read_bytes())
        self.program.chmod(0o755)

    def broken_libraries(self):
        """Returns a directory with broken libraries under the names of libraries that rds-iam-fetch needs. An
        application can bring unsuitable libraries in the same way."""
        directory = self.home.path / "libraries"
        directory.mkdir(exist_ok=True)
        for name in ("libcurl.so.4", "libjansson.so.4", "libexpat.so.1"):
            (directory / name).write_bytes(b"\x7fELF is all that this is")
        return str(directory)

    def replaced_by(self, ends):
        """Returns the words to put before a command, so that the command sees the replacement of rds-iam-fetch."""
        text = REPLACEMENT.format(log=self.log, ends=ends, program=self.program)
        script = self.home.write("replacement", text, mode=0o755)
        self.log.unlink(missing_ok=True)
        unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        return [*unshare, "sh", "-c", REPLACE, "sh", script, FETCH]

    def run_with(self, ends, *arguments, argv=None, principal=None, env=None, **extra):
        argv = argv or [TOOL, "credentials", *arguments]
        return self.home.run([*self.replaced_by(ends), *argv], principal,
                             **(self.cloud_env() if env is None else env), **extra)

    def starts(self):
        """Returns the environment of each start of rds-iam-fetch."""
        text = self.log.read_text() if self.log.exists() else ""
        return [dict(line.split("=", 1) for line in each.splitlines() if "=" in line)
                for each in text.split("started\n")[:-1]]


class Withheld(HostVariablesCase):
    # The values in the environment of rds-iam. They name files that do not exist. ld.so reports a missing file of
    # LD_AUDIT or LD_PRELOAD.
    VALUES = {name: f"/nowhere/{name.lower()}" for name in NAMES}

    def test_rds_iam_fetch_starts_without_the_variables_of_the_host(self):
        result = self.run_with("", env=self.web_identity_env(**self.VALUES))
        self.assertEqual(result.returncode, 0, result.stderr)
        (start,) = self.starts()
        self.assertEqual({name for name in NAMES if name in start}, set())
        self.assertEqual({name: start["RDS_IAM_HOST_" + name] for name in NAMES}, self.VALUES)

    def test_unsuitable_libraries_and_settings_of_the_host_have_no_effect(self):
        broken = self.broken_libraries()
        for extra in ({"LD_LIBRARY_PATH": broken}, {"OPENSSL_CONF": str(self.home.write("o", "a = ["))},
                      {"LD_LIBRARY_PATH": broken, "OPENSSL_MODULES": "/nowhere"}):
            with self.subTest(extra=list(extra)):
                result = self.home.run([TOOL, "credentials"], None, **self.web_identity_env(**extra))
                self.assertEqual(result.returncode, 0, result.stderr)
        control = self.home.run([FETCH], None, LD_LIBRARY_PATH=broken)
        self.assertEqual(control.returncode, 127, control.stderr)

    def test_a_credential_process_gets_the_variables_back(self):
        document = json.dumps({"Version": 1, "AccessKeyId": "AKIAX", "SecretAccessKey": "s"})
        seen = self.home.path / "seen"
        self.home.write(".aws/config",
                        f"[default]\ncredential_process = tr '\\0' '\\n' </proc/$$/environ >{seen}; "
                        f"echo '{document}'\n")
        result = self.home.run([TOOL, "credentials"], None, **self.cloud_env(**self.VALUES))
        self.assertEqual(result.returncode, 0, result.stderr)
        got = dict(line.split("=", 1) for line in seen.read_text().splitlines() if "=" in line)
        self.assertEqual({name: got.get(name) for name in NAMES}, self.VALUES)
        self.assertEqual([name for name in got if name.startswith("RDS_IAM_HOST_")], [])

    def test_a_variable_named_rds_iam_host_of_the_caller_has_no_effect(self):
        seen = self.home.path / "seen"
        self.home.write(".aws/config", f"[default]\ncredential_process = env >{seen}; false\n")
        self.home.run([TOOL, "credentials"], None, **self.cloud_env(RDS_IAM_HOST_LD_PRELOAD="/x"))
        self.assertNotIn("/x\n", seen.read_text())


class SecondStart(HostVariablesCase):
    MISSING = 'case "$LD_LIBRARY_PATH" in *good*) ;; *) exit 127;; esac'

    def test_a_second_start_has_the_callers_library_path(self):
        rows = (("an unsuitable path", {"LD_LIBRARY_PATH": "/bad"}, 2, False),
                ("an empty path", {"LD_LIBRARY_PATH": ""}, 1, False),
                ("no path", {}, 1, False),
                ("a suitable path", {"LD_LIBRARY_PATH": "/good"}, 2, True))
        for name, extra, count, works in rows:
            with self.subTest(name=name):
                result = self.run_with(self.MISSING, env=self.web_identity_env(**extra))
                self.assertEqual(len(self.starts()), count)
                self.assertEqual(result.returncode == 0, works, result.stderr)
                if not works:
                    self.assertIn(f"{FETCH} exited with status 127: a library that it needs is missing "
                                  f"or has the wrong version; run: ldd {FETCH}", result.stderr)

    def test_no_second_start_if_the_libraries_were_loaded(self):
        for ends, words in (("exit 1", "exited with status 1 without a response"),
                            ("kill -SEGV $$", "was killed by signal 11 (SIGSEGV)"),
                            ("kill -KILL $$", "was killed by signal 9 (SIGKILL)"),
                            ("exit 126", "exited with status 126 without a response")):
            with self.subTest(ends=ends):
                env = self.web_identity_env(LD_LIBRARY_PATH="/good")
                result = self.run_with(ends, env=env)
                self.assertEqual((result.returncode, len(self.starts())), (1, 1))
                self.assertIn(f"rds-iam: {FETCH} {words}", result.stderr)

    def test_the_exit_status_is_lost_if_the_host_ignores_sigchld(self):
        """If a process ignores SIGCHLD, the kernel discards the exit status of its children."""
        argv = ["python3", "-c", "import os, signal, sys\n"
                "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\nos.execv(sys.argv[1], sys.argv[1:])\n",
                TOOL, "credentials"]
        result = self.run_with("exit 3", argv=argv, env=self.web_identity_env())
        self.assertIn(f"{FETCH} ended its connection without a response; try again", result.stderr)
        result = self.run_with(self.MISSING, argv=argv, env=self.web_identity_env(LD_LIBRARY_PATH="/good"))
        self.assertEqual((result.returncode, len(self.starts())), (0, 2), result.stderr)


class InTheBackground(HostVariablesCase):
    """Unlike a plugin, the agent does not block while rds-iam-fetch runs. The agent, too, starts rds-iam-fetch a second
    time if the libraries do not load."""

    def setUp(self):
        super().setUp()
        self.services = Services(self.home)
        self.services.add("prod")

    def libcurl_elsewhere(self):
        """Makes a copy of rds-iam-fetch that needs a libcurl of another name. Only one directory, and no system
        directory, contains a library of that name. Returns this directory."""
        (path,) = re.findall(r"libcurl\.so\.4 => (\S+)", harness.run(["ldd", FETCH]).stdout)
        directory = self.home.path / "only-here"
        directory.mkdir(exist_ok=True)
        shutil.copy(path, directory / "libcurX.so.4")
        self.program.write_bytes(FETCH.read_bytes().replace(b"libcurl.so.4", b"libcurX.so.4"))
        return str(directory)

    def agent(self, ends="", **extra):
        """Starts the agent with a new web identity token. Two tokens of the same second would be equal, and the
        agent would use the cached credentials of the first one."""
        env = self.web_identity_env(**extra)
        self.home.write("web-identity-token", self.lab.web_identity(jti=secrets.token_hex(8)))
        return self.services.agent(None, under=self.replaced_by(ends), **env)

    def psql(self):
        return self.home.run(["psql", "-XAtw", "service=prod", "-c", "select 1"], principal=None)

    def test_a_libcurl_that_is_only_in_the_callers_library_path(self):
        place = self.libcurl_elsewhere()
        rows = (("the directory of libcurl", {"LD_LIBRARY_PATH": place}, 2),
                ("the directory of libcurl, after another one", {"LD_LIBRARY_PATH": f"/nowhere:{place}"}, 2),
                ("only another directory", {"LD_LIBRARY_PATH": "/nowhere"}, 2),
                ("no path", {}, 1))
        for name, extra, starts in rows:
            with self.subTest(name=name), self.agent(**extra) as agent:
                path = extra.get("LD_LIBRARY_PATH")
                await_true(lambda: len(self.starts()) >= starts, agent.log)
                got = [start.get("LD_LIBRARY_PATH") for start in self.starts()]
                self.assertEqual(got, [None, path][:starts], "first without the path, then with it")
                works = place in (path or "")
                self.assertEqual(self.psql().returncode == 0, works, agent.log())
                if not works:
                    agent.await_log(f"{FETCH} exited with status 127: a library that it needs is missing "
                                    "or has the wrong version")
        self.assert_accepted(2)

    def test_unsuitable_libraries_of_the_host_have_no_effect(self):
        with self.agent(LD_LIBRARY_PATH=self.broken_libraries()) as agent:
            self.assertEqual(self.psql().returncode, 0, agent.log())
            self.assertEqual([start.get("LD_LIBRARY_PATH") for start in self.starts()], [None])

    def test_no_second_start_if_the_libraries_were_loaded(self):
        for ends, words in (("exit 1", "exited with status 1 without a response"),
                            ("kill -SEGV $$", "was killed by signal 11 (SIGSEGV)"),
                            ("exit 126", "exited with status 126 without a response")):
            with self.subTest(ends=ends), self.agent(ends, LD_LIBRARY_PATH="/nowhere") as agent:
                agent.await_log(f"{FETCH} {words}")
                self.assertEqual(len(self.starts()), 1)


if __name__ == "__main__":
    harness.main()
