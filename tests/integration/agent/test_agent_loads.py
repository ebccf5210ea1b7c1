# SPDX-License-Identifier: MIT
"""Edits of the service file while the agent reads its files, and an agent that lacks memory for the new entries. The
agent must use the new file in each case."""
from labcase import harness
from service import await_true
from test_agent_lease import LeaseCase

MANY = 40
SHARED = 10


class Loads(LeaseCase):
    def setUp(self):
        super().setUp()
        self.services.add("prod")
        self.file = self.home.path / ".pg_service.conf"

    def faulty(self, **faults):
        """Runs an agent whose calls fail as agent_faults.c describes."""
        library = harness.BUILD / "tests/integration/src/agent_faults.so"
        return self.services.agent(LD_PRELOAD=str(library), **faults)

    def prepare_edit(self):
        """Returns the text of a service file with the service `other` in addition. Does not change the file."""
        before = self.file.read_text()
        self.services.add("other")
        after = self.file.read_text()
        self.file.write_text(before)
        return after

    def assert_other_is_served(self, agent):
        await_true(self.services.passfile("other").exists, agent.log)
        self.assertFalse(self.home.path.joinpath("aside/edit").exists(), "control: the edit happened at the given moment")
        self.assertIn("X-Amz-Signature", self.read("other"))

    def test_an_edit_while_the_agent_reads_its_files_is_not_lost(self):
        """The edit happens when the agent has read the service file and opens the next one."""
        after = self.prepare_edit()
        second = self.home.write("etc/pg_service.conf", "# no services\n")
        edit = self.home.path / "aside/edit"
        edit.parent.mkdir()
        with self.faulty(AGENT_EDIT_AT=str(second), AGENT_EDIT=str(edit), AGENT_EDITED=str(self.file),
                         PGSYSCONFDIR=str(second.parent)) as agent:
            self.assertFalse(self.services.passfile("other").exists())
            edit.write_text(after)
            agent.renew()
            self.assert_other_is_served(agent)

    def test_an_edit_before_the_agent_watches_the_file_is_not_lost(self):
        """The edit happens at the start, when the agent has read the service file and is about to watch it."""
        edit = self.home.write("aside/edit", self.prepare_edit())
        with self.faulty(AGENT_EDIT_AT="watch", AGENT_EDIT=str(edit), AGENT_EDITED=str(self.file)) as agent:
            self.assert_other_is_served(agent)

    def test_entries_without_memory_are_read_again(self):
        """The agent has an array of the passfiles, with one element more. Some services share a passfile, so no other
        array has this length."""
        names = {f"s{i}": f"s{max(i, SHARED)}" for i in range(MANY)}
        with self.faulty(AGENT_STARVED=str(len({"prod", *names.values()}) + 1)) as agent:
            self.services.add_all({name: {"passfile": self.services.passfile(file)} for name, file in names.items()})
            agent.await_log("out of memory for the service files")
            self.assertFalse(self.services.passfile(f"s{MANY - 1}").exists(), "control: the new entries are not in use")
            self.assertIn("X-Amz-Signature", self.read())
            await_true(self.services.passfile(f"s{MANY - 1}").exists, agent.log)
            self.assertEqual(agent.log().count("out of memory"), 1, agent.log())


if __name__ == "__main__":
    harness.main()
