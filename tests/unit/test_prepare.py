# SPDX-License-Identifier: MIT
"""Runs tests/prepare as on a machine that lacks the packages. Fake commands record their calls. tests/prepare
must start no service of a package. If a signal ends tests/prepare during one of the steps in STOPS, it must leave no file
outside build/."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness

# This script runs in its own mount namespace. There, /usr/sbin contains only the two commands with which package
# scripts start services. Both obey policy-rc.d, as Debian's commands do.
INSIDE = """
mount -t tmpfs tmpfs /usr/sbin
for name in invoke-rc.d deb-systemd-invoke; do
    cat >/usr/sbin/$name <<'END'
#!/bin/sh
[ -x /usr/sbin/policy-rc.d ] || echo "$0 $*" >>"$ROOT/started"
END
    chmod 755 /usr/sbin/$name
done
ls -A /usr/sbin >"$ROOT/before"
setsid --wait tree/tests/prepare >"$ROOT/output" 2>&1
echo "$?" >"$ROOT/status"
ls -A /usr/sbin >"$ROOT/after"
"""
# Replaces the commands of COMMANDS, which tests/prepare runs. A step that begins with $STOP sends $SIGNAL to its own
# process group, as a terminal or a supervisor does.
COMMAND = """#!/bin/bash
step="${0##*/} $*"
echo "$step" >>"$ROOT/steps"
if [ -n "$STOP" ] && [[ $step == $STOP* ]]; then
    kill -"$SIGNAL" 0
    exit 1
fi
if [[ $step == "apt-get install"* ]]; then
    path=/usr/sbin:/usr/bin:/sbin:/bin
    for word; do [[ $word != DPkg::Path=* ]] || path=${word#DPkg::Path=}; done
    # The package scripts of mariadb-server and postgresql-common call these commands.
    PATH=$path sh -c 'invoke-rc.d mariadb start; deb-systemd-invoke start postgresql.service'
fi
if [[ $step == "dpkg --configure"* ]]; then
    sh -c 'invoke-rc.d dbus start'
fi
"""
COMMANDS = ("apt-get", "dpkg", "dpkg-query", "meson", "ninja")
STOPS = ("dpkg-query", "dpkg --configure", "apt-get update", "apt-get install", "meson setup", "ninja")
SIGNALS = ("KILL", "TERM", "HUP", "INT")


class Prepare(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="prepare-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        (self.root / "tree/tests").mkdir(parents=True)
        for name in ("prepare", "packages.txt"):
            shutil.copy(harness.SOURCE / "tests" / name, self.root / "tree/tests")
        for name in COMMANDS:
            path = self.root / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(COMMAND)
            path.chmod(0o755)

    def prepare(self, stop="", number="KILL"):
        """Runs tests/prepare. If `stop` is not "", the step that begins with `stop` sends the signal `number`.
        Returns (steps, started services, files added to /usr/sbin)."""
        shutil.rmtree(self.root / "tree/build", ignore_errors=True)
        for name in ("steps", "started", "status"):
            (self.root / name).unlink(missing_ok=True)
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        result = subprocess.run(
            ["unshare", "--mount", *user, "bash", "-c", INSIDE], cwd=self.root, stdin=subprocess.DEVNULL,
            env={"PATH": f"{self.root}/bin:{os.defpath}:/usr/sbin:/sbin", "ROOT": str(self.root),
                 "STOP": stop, "SIGNAL": number},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        added = set(self.lines("after")) - set(self.lines("before"))
        return self.lines("steps"), self.lines("started"), added

    def lines(self, name):
        path = self.root / name
        return path.read_text().splitlines() if path.exists() else []

    def tree(self):
        return sorted(str(path.relative_to(self.root)) for path in (self.root / "tree").rglob("*")
                      if "tree/build" not in str(path))

    def test_it_installs_and_starts_no_service(self):
        before = self.tree()
        steps, started, added = self.prepare()
        self.assertEqual(self.lines("status"), ["0"], self.lines("output"))
        self.assertTrue(any(step.startswith("apt-get install") for step in steps), steps)
        self.assertEqual((started, added, self.tree()), ([], set(), before))

    def test_it_installs_what_the_release_has(self):
        release = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines())["VERSION_CODENAME"]
        (self.root / "tree/tests/packages.txt").write_text(f"# a comment\none   # why\ntwo@{release}  # why\nthree@sarge\n")
        install, = [step for step in self.prepare()[0] if step.startswith("apt-get install")]
        self.assertEqual(install.split()[-2:], ["one", "two"], install)

    def test_control_a_started_service_is_found(self):
        script = self.root / "tree/tests/prepare"
        text = script.read_text()
        for service, good in (("mariadb", "DPkg::Path=$path"), ("postgresql", "DPkg::Path=$path"),
                              ("dbus", "PATH=$path ")):
            with self.subTest(service=service):
                self.assertIn(good, text)
                script.write_text(text.replace(good, good.replace("$path", "/usr/sbin:/usr/bin:/bin")))
                self.assertIn(service, " ".join(self.prepare()[1]))

    def test_a_signal_at_any_step_leaves_nothing_outside_build(self):
        before = self.tree()
        for stop in STOPS:
            for number in SIGNALS:
                with self.subTest(stop=stop, signal=number):
                    steps, started, added = self.prepare(stop, number)
                    self.assertTrue(steps[-1].startswith(stop), steps)
                    self.assertEqual(self.lines("status"), [str(128 + getattr(signal, f"SIG{number}"))])
                    self.assertEqual((started, added, self.tree()), ([], set(), before))


harness.main()
