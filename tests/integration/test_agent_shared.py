# SPDX-License-Identifier: MIT
"""Passfiles that several entries read, and files that are not the agent's: no token goes where an
entry that is not fit for one can send it, and nobody's own lines are lost."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from labcase import USER, harness  # noqa: E402
from postgresql_peer import PostgreSQLPeer  # noqa: E402
from service import Services  # noqa: E402
from test_agent_lease import LeaseCase  # noqa: E402


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
                        "one of them is fit", agent.log())
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


if __name__ == "__main__":
    harness.main()
