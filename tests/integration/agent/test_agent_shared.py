# SPDX-License-Identifier: MIT
"""Passfiles that several entries read, and files that are not the agent's: no token goes where an
entry that is not fit for one can send it, and nobody's own lines are lost."""

from labcase import USER, harness
from postgresql_peer import PostgreSQLPeer
from service import await_true
from test_agent_lease import LeaseCase


class Spoiled(LeaseCase):
    """The passfile of a good entry that another one reads too, one that asks for no verification."""

    def rows(self):
        good = self.services.passfile("good")
        outside = self.home.path / "outside"
        outside.symlink_to("run/good")
        second = self.home.path / "second"
        second.symlink_to("outside")
        inside = self.services.passfile("alias")
        inside.symlink_to(good)
        return (
            ("everything is said", {}, {}),
            ("the user is PGUSER", {"without": ("user",)}, {"PGUSER": USER}),
            ("the port is PGPORT", {"without": ("port",)}, {}),
            ("the host is PGHOST", {"without": ("host",)}, {"PGHOST": self.lab.pg.host}),
            ("another user, whom the command line replaces", {"user": "other_iam_user"}, {}),
            ("a link to it", {"passfile": outside}, {}),
            ("a link to a link", {"passfile": second}, {}),
            ("a link beside it", {"passfile": inside}, {}),
            ("another way to it", {"passfile": self.home.path / "run" / ".." / "run" / "good"}, {}),
        )

    def add_both(self, port, change):
        """Returns the lines of the good entry's passfile and of the other one's [name]."""
        self.services.clear()
        without = change.get("without", ())
        settings = {"port": port, "sslmode": "prefer", "passfile": self.services.passfile("good"), **change}
        self.services.add("good", port=port)
        place = self.services.line_of("passfile=")
        line = self.services.add("bad", **{k: v for k, v in settings.items() if k not in without})
        return place, line

    def ask(self, words, peer, extra):
        self.home.run(["psql", "-XAtw", "-c", "select 1", words], None, PGPORT=str(peer.port), **extra)

    def test_an_entry_that_is_not_fit_spoils_it(self):
        self.services.directory.mkdir(mode=0o700)
        control = self.home.write("control", "*:*:*:*:the-control\n")
        for why, change, extra in self.rows():
            with self.subTest(why), PostgreSQLPeer(None) as peer:
                place, line = self.add_both(peer.port, change)
                with self.services.agent("etl-session") as agent:
                    self.ask(f"service=bad user={USER}" if "user" in change else "service=bad", peer, extra)
                    self.ask(f"service=bad passfile={control}", peer, extra)
                    self.assertIn("0 of 2 services have their tokens", agent.log())
                    path = self.home.path / ".pg_service.conf"
                    self.assertIn(
                        f"{path}:{place}: [good] shares its passfile with [bad] ({path}:{line}), but only "
                        "one of them is valid", agent.log())
                self.assertEqual(peer.answers, [(False, b"the-control\0")], "no token, and the control")

    def test_one_that_reads_another_passfile_spoils_nothing(self):
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


class Owned(LeaseCase):
    """A directory with password files of the user's own, which entries name as their passfiles."""

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

    def assert_kept(self, log):
        for name in ("legacy", "prod"):
            self.assertEqual(self.read(name), self.LINES)
        self.assertIn(self.message, log)
        self.assertNotIn("geheim", log)

    def test_once_leaves_them_alone(self):
        result = self.services.fill()
        self.assertEqual(result.returncode, 1)
        self.assertIn("0 of 2 services have their tokens", result.stderr)
        self.assert_kept(result.stderr)
        self.services.passfile("prod").rename(self.home.path / "moved")
        self.assertIn("1 of 2 services have their tokens", self.services.fill().stderr, "control")
        self.assertIn("1 of 2 services", self.services.fill().stderr, "its own it replaces")

    def assert_left_alone(self, under):
        """From an agent's beginning, while it reads its entries anew, and at its end."""
        with self.services.agent(under=under) as agent:
            agent.await_log(self.message)
            self.assert_kept(agent.log())
            self.home.write(".pg_service.conf", "# all gone\n")
            agent.await_log("no service has its passfile in this directory")
            self.assert_kept(agent.log())
            self.services.add("late")
            await_true(lambda: self.services.passfile("late").exists(), agent.log)
            self.assertIn("X-Amz-Signature", self.read("late"), "control")
            self.assertEqual(agent.end(), 0)
        self.assert_kept(agent.log())
        self.assertFalse(self.services.passfile("late").exists(), "control")

    def test_an_agent_leaves_them_alone(self):
        self.assert_left_alone(())

    def test_an_agent_without_leases_leaves_them_alone(self):
        self.assert_left_alone([harness.BUILD / "tests/integration/src/without_leases"])

    def test_lines_that_come_later_are_kept_until_they_are_moved(self):
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
