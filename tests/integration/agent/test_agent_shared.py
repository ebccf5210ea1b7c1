# SPDX-License-Identifier: MIT
"""Passfiles that several entries name, and files that the agent did not write. The agent writes no token into a
passfile that an invalid entry names, because a client of that entry could send the token to an unverified server.
The agent does not change or remove lines that the user wrote."""

from labcase import USER, harness
from postgresql_peer import PostgreSQLPeer
from service import await_true
from test_agent_lease import LeaseCase


class Invalid(LeaseCase):
    """A valid entry, and an entry without verification that names the same passfile."""

    def rows(self):
        good = self.services.passfile("good")
        outside = self.home.path / "outside"
        outside.symlink_to("run/good")
        second = self.home.path / "second"
        second.symlink_to("outside")
        inside = self.services.passfile("alias")
        inside.symlink_to(good)
        return (
            ("every setting except sslmode is the same", {}, {}),
            ("the user is PGUSER", {"without": ("user",)}, {"PGUSER": USER}),
            ("the port is PGPORT", {"without": ("port",)}, {}),
            ("the host is PGHOST", {"without": ("host",)}, {"PGHOST": self.lab.pg.host}),
            ("another user, which the command line overrides", {"user": "other_iam_user"}, {}),
            ("a link to the passfile", {"passfile": outside}, {}),
            ("a link to a link", {"passfile": second}, {}),
            ("a link in the passfile's own directory", {"passfile": inside}, {}),
            ("another path of the passfile", {"passfile": self.home.path / "run" / ".." / "run" / "good"}, {}),
        )

    def add_both(self, port, change):
        """Adds both entries. Returns the line of the valid entry's passfile= and the line of the invalid entry's
        [name]."""
        self.services.clear()
        without = change.get("without", ())
        settings = {"port": port, "sslmode": "prefer", "passfile": self.services.passfile("good"), **change}
        self.services.add("good", port=port)
        place = self.services.line_of("passfile=")
        line = self.services.add("bad", **{k: v for k, v in settings.items() if k not in without})
        return place, line

    def login(self, words, peer, extra):
        self.home.run(["psql", "-XAtw", "-c", "select 1", words], None, PGPORT=str(peer.port), **extra)

    def test_an_invalid_entry_disqualifies_the_entries_that_share_its_passfile(self):
        self.services.directory.mkdir(mode=0o700)
        control = self.home.write("control", "*:*:*:*:the-control\n")
        for why, change, extra in self.rows():
            with self.subTest(why), PostgreSQLPeer(None) as peer:
                place, line = self.add_both(peer.port, change)
                with self.services.agent("etl-session") as agent:
                    self.login(f"service=bad user={USER}" if "user" in change else "service=bad", peer, extra)
                    self.login(f"service=bad passfile={control}", peer, extra)
                    self.assertIn("0 of 2 services have their tokens", agent.log())
                    path = self.home.path / ".pg_service.conf"
                    self.assertIn(
                        f"{path}:{place}: [good] shares its passfile with [bad] ({path}:{line}), but [bad] "
                        "does not qualify for tokens", agent.log())
                self.assertEqual(peer.answers, [(False, b"the-control\0")], "no token; control: the password")

    def test_an_invalid_entry_with_another_passfile_has_no_effect(self):
        self.services.add("good")
        self.services.add("bad", sslmode="prefer")
        with self.services.agent() as agent:
            self.assertIn("1 of 2 services have their tokens", agent.log())
            self.assertEqual(self.psql("good").returncode, 0)

    def test_a_good_entry_is_served_through_a_link(self):
        link = self.home.path / "outside"
        link.symlink_to(self.services.passfile("good"))
        self.services.add("good", passfile=link)
        with self.services.agent() as agent:
            self.assertEqual(self.psql("good").returncode, 0, agent.log())
            self.assertTrue(link.is_symlink())
            self.assertIn("X-Amz-Signature", self.read("good"))


class UserFiles(LeaseCase):
    """A directory with password files that the user wrote. Entries name them as their passfiles."""

    LINES = "db.example:5432:*:me:geheim\n"

    def setUp(self):
        super().setUp()
        self.services.directory.mkdir(mode=0o700)
        for name in ("legacy", "prod"):
            self.services.passfile(name).write_text(self.LINES)
            self.services.passfile(name).chmod(0o600)
        self.services.add("legacy", sslmode="require")
        self.services.add("prod")
        self.message = (f"{self.services.passfile('prod')}: contains lines that the agent did not write; move it "
                         "or name another passfile")

    def assert_unchanged(self, log):
        for name in ("legacy", "prod"):
            self.assertEqual(self.read(name), self.LINES)
        self.assertIn(self.message, log)
        self.assertNotIn("geheim", log)

    def test_once_does_not_change_them(self):
        result = self.services.fill()
        self.assertEqual(result.returncode, 1)
        self.assertIn("0 of 2 services have their tokens", result.stderr)
        self.assert_unchanged(result.stderr)
        self.services.passfile("prod").rename(self.home.path / "moved")
        self.assertIn("1 of 2 services have their tokens", self.services.fill().stderr, "control")
        self.assertIn("1 of 2 services", self.services.fill().stderr, "the agent replaces its own file")

    def assert_agent_changes_nothing(self, under):
        """Checks the files when the agent starts, when it reads its entries again, and when it ends."""
        with self.services.agent(under=under) as agent:
            agent.await_log(self.message)
            self.assert_unchanged(agent.log())
            self.home.write(".pg_service.conf", "# no entries\n")
            agent.await_log("no service has its passfile in this directory")
            self.assert_unchanged(agent.log())
            self.services.add("late")
            await_true(lambda: self.services.passfile("late").exists(), agent.log)
            self.assertIn("X-Amz-Signature", self.read("late"), "control")
            self.assertEqual(agent.end(), 0)
        self.assert_unchanged(agent.log())
        self.assertFalse(self.services.passfile("late").exists(), "control")

    def test_an_agent_does_not_change_them(self):
        self.assert_agent_changes_nothing(())

    def test_an_agent_without_leases_does_not_change_them(self):
        self.assert_agent_changes_nothing([harness.BUILD / "tests/integration/src/without_leases"])

    def test_a_file_that_replaces_a_passfile_stays_until_it_is_moved(self):
        self.services.passfile("prod").unlink()
        with self.services.agent() as agent:
            self.assertIn("X-Amz-Signature", self.read())
            self.services.passfile("legacy").rename(self.services.passfile("prod"))
            agent.await_log(self.message)
            self.assertEqual(self.read(), self.LINES)
            self.services.passfile("prod").rename(self.home.path / "moved")
            await_true(lambda: self.services.passfile("prod").exists(), agent.log)
            self.assertIn("X-Amz-Signature", self.read())


if __name__ == "__main__":
    harness.main()
