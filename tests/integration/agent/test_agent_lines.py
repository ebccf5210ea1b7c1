# SPDX-License-Identifier: MIT
"""Lines of pg_service.conf that libpq takes literally although the user meant something else: blanks around "=", "~",
"$HOME", quotes, relative paths, capitals. The agent reports them, as rds-iam lint does. Other tests:
directories that the agent cannot use, with advice for Kubernetes."""
import os

from cloud import needs_root
from labcase import LabCase, harness
import process
from service import Services, agent_program

TOOL = harness.installed("bin/rds-iam")
FULL_PATH = "libpq expands neither ~ nor $HOME; write the full path"
RELATIVE = "in the directory that each program runs in; write a path that begins with /"
# A passfile= that does not lead to a passfile of the agent, and the message.
PASSFILES = (
    ("passfile = /run/p", "libpq takes the blank before the = as part of the key"),
    ("passfile\t=/run/p", "libpq takes the blank before the = as part of the key"),
    ("passfile= /run/p", "the value begins with a blank"),
    ("passfile=~/run/p", FULL_PATH),
    ("passfile=$HOME/run/p", FULL_PATH),
    ("passfile=${HOME}/run/p", FULL_PATH),
    ("passfile='/run/p'", "the value begins with a quote"),
    ("passfile=run/p", f'libpq looks for "run/p" {RELATIVE}'),
    ("passfile=%h/run/p", f'libpq looks for "%h/run/p" {RELATIVE}'),
    ("Passfile=/run/p", 'libpq does not know "Passfile", so it rejects the service; write passfile='),
)
# Another line of an entry that the agent serves, and the message.
OTHERS = (
    ("sslrootcert=~/ca.pem", FULL_PATH),
    ("sslrootcert=$HOME/ca.pem", FULL_PATH),
    ("sslcert=~/me.pem", FULL_PATH),
    ("dbname= shop", "the value begins with a blank"),
    ("application_name='etl'", "the value begins with a quote"),
)


class Lines(LabCase):
    def setUp(self):
        super().setUp()
        self.services = Services(self.home)

    def write(self, entry, *lines):
        """Writes an entry that ends with these lines. Returns the file's path with the number of the last line."""
        self.services.clear()
        key = lines[0].partition("=")[0].strip()
        self.services.add(entry, gssencmode="disable", without=(key.lower(),))
        path = self.home.path / ".pg_service.conf"
        text = path.read_text() + "\n".join(lines) + "\n"
        self.home.write(".pg_service.conf", text)
        return f"{path}:{len(text.splitlines())}: "

    def test_a_passfile_line_is_reported(self):
        for line, message in PASSFILES:
            with self.subTest(line=line):
                where = self.write("prod", line)
                result = self.services.fill()
                self.assertEqual(result.returncode, 1)
                self.assertIn(f"{where}[prod] {message}", result.stderr)
                self.assertIn(where, self.home.run([TOOL, "lint"], None).stdout, "lint reports the line, too")

    def test_another_line_of_a_served_entry_is_reported(self):
        for line, message in OTHERS:
            with self.subTest(line=line):
                where = self.write("prod", line)
                result = self.services.fill()
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(f"{where}[prod] {message}", result.stderr)
                self.assertIn(where + "warning: " + message, self.home.run([TOOL, "lint"], None).stdout)

    def test_control_correct_lines_are_not_reported(self):
        """Also checks that the agent does not report a line of an entry that it does not serve."""
        for lines in (["connect_timeout=10"], ["options=-c a=~/x"], ["dbname=$HOME"]):
            self.write("prod", *lines)
            result = self.services.fill()
            self.assertEqual(result.stderr, f"rds-iam-agent: 1 of 1 services have their tokens in "
                                            f"{self.services.directory}\n")
        self.services.add("other", passfile="/elsewhere/p", sslrootcert="~/ca.pem")
        self.assertNotIn("[other]", self.services.fill().stderr)


class Directories(LabCase):
    def fill(self, directory, drops=(), **extra):
        Services(self.home).add("prod")
        return self.home.run([*drops, agent_program(), "--once", "--directory", directory], **extra).stderr

    def test_a_volume_that_all_users_can_write_is_refused(self):
        """Kubernetes makes an emptyDir with such a mode. An emptyDir in memory also has the sticky bit."""
        volume = self.home.path / "tokens"
        volume.mkdir()
        volume.chmod(0o777)
        self.assertIn(f"{volume}/run: other users can replace files in {volume}: every user can write it; run: chmod "
                      f"o-w {volume}, or give it the sticky bit (in Kubernetes: emptyDir with medium: Memory), or "
                      "name another directory with --directory\n", self.fill(volume / "run"))
        self.assertIn(f"{volume}: other users can enter it; run: chmod 700 {volume}\n", self.fill(volume))
        volume.chmod(0o1777)
        self.assertIn("no service has its passfile in this directory", self.fill(volume / "run"), "control")

    @needs_root
    def test_a_volume_that_belongs_to_root_is_refused(self):
        for mode in (0o777, 0o1777):
            volume = self.home.path / f"tokens-{mode:o}"
            volume.mkdir()
            volume.chmod(mode)
            self.home.path.chmod(0o711)
            output = self.home.run(["setpriv", *process.DROP_ROOT, agent_program(), "--once", "--directory",
                                  volume], PGSERVICEFILE="/dev/null").stderr
            self.assertRegex(output, rf"{volume}: belongs to uid 0 and not to you \(uid \d+\); name a directory of "
                                   rf"your own with --directory, such as {volume}/run\n")

    @needs_root
    def test_home_must_not_be_the_root_directory(self):
        setup = [TOOL, "setup", "postgres", "--hostname", self.lab.pg.host, "--username", "u", "--dbname", "d",
                 "--ca", self.lab.ca_file]
        drops = ["setpriv", *process.DROP_ROOT]
        for argv in ([agent_program(), "--once"], [agent_program(), "--status"], setup):
            result = self.home.run([*drops, *argv], HOME="/")
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertRegex(
                result.stderr, "HOME is /, where you (have no|cannot have a) directory of your own; set HOME")
        control = self.home.run([*drops, *setup])
        self.assertEqual(control.returncode, 0, control.stderr)


if __name__ == "__main__":
    harness.main()
