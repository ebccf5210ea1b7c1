# SPDX-License-Identifier: MIT
"""STS throttles requests while several processes of a user need the same credentials.

The processes take turns: the more requests all processes together have sent, the longer the pause before the next one.
A process holds no lock during its pauses, so the other processes need not wait for it. A process that gets no turn
reports why the process before it got no credentials."""
import concurrent.futures
import json

from cloud import CloudCase
from labcase import USER, harness
from mariadb_client import CONFIG
from service import Services, await_true

SAID = "STS says Throttling: Rate exceeded; try again later"
WAITED = "another process of yours tries to get the same credentials, and "
OUT_OF_TIME = "getting AWS credentials took longer than a login allows"
LOGINS = 20
# The shortest pauses between the requests of all processes are 0.25 s, 0.5 s, 1 s, and then 2 s each. A login ends
# after 10 s. The logins may begin at different times on a loaded machine.
REQUESTS_AT_MOST = 14


class Throttled(CloudCase):
    def setUp(self):
        super().setUp()
        role = self.lab.roles["rds-access"].arn
        self.home.write(CONFIG, f"[{self.lab.pg.host}]\nrole_arn = {role}\n")
        self.pool = self.enterContext(concurrent.futures.ThreadPoolExecutor(LOGINS + 1))

    def throttle(self, times=None):
        self.lab.faults({"service": "sts", "kind": "status", "status": 400, "code": "Throttling",
                         "message": "Rate exceeded", "times": times})

    def run_tool(self, command="token"):
        return self.home.run(
            [harness.installed("bin/rds-iam"), command, "--hostname", self.lab.pg.host, "--port",
             str(self.lab.pg.port), "--username", USER], "etl-base", **self.cloud_env())

    def start_first(self, command="credentials"):
        """Starts rds-iam with this command, and waits for its first request. `rds-iam credentials` has a limit of 60
        s."""
        first = self.pool.submit(self.run_tool, command)
        await_true(lambda: self.calls())
        return first

    def assert_reports_throttling(self, result):
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn(SAID, result.stderr)

    def test_a_login_uses_the_credentials_of_a_process_that_can_wait(self):
        self.throttle(4)
        first = self.start_first()
        login = self.run_tool()
        self.assertEqual(login.returncode, 0, login.stderr)
        keys = json.loads(first.result().stdout)
        self.assertIn(keys["AccessKeyId"], login.stdout)
        self.assertEqual(len(self.calls()), 5, "one of the two sends the request that succeeds")

    def test_a_login_beside_a_process_that_can_wait_reports_the_reason(self):
        self.throttle()
        first = self.start_first()
        self.assert_reports_throttling(self.run_tool())
        self.assertFalse(first.done(), "control: the first process still tries")
        self.lab.faults()
        self.assertEqual(first.result().returncode, 0)

    def test_a_login_beside_the_agent_reports_the_reason_or_succeeds(self):
        services = Services(self.home)
        services.add("prod")
        self.throttle()
        with services.agent("etl-base", wait=False, **self.cloud_env()) as agent:
            await_true(lambda: self.calls(), agent.log)
            self.assert_reports_throttling(self.run_tool())
            self.throttle(2)
            login = self.run_tool()
            self.assertEqual(login.returncode, 0, login.stderr)
            agent.await_log("1 of 1 services have their tokens", "has its token again")

    def test_many_logins_send_few_requests(self):
        """On a loaded machine, the time of a login may end while rds-iam-fetch sends its response. The test leaves out
        these logins."""
        self.throttle()
        results = [run.result() for run in [self.pool.submit(self.run_tool) for _ in range(LOGINS)]]
        in_time = [result for result in results if OUT_OF_TIME not in result.stderr]
        self.assertGreater(len(in_time), 0, results)
        for result in in_time:
            self.assert_reports_throttling(result)
        self.assertLessEqual(len(self.calls()), REQUESTS_AT_MOST)
        self.assertGreater(len(self.calls()), 2, "control: the logins try again")

    def test_many_logins_succeed_when_the_throttling_ends(self):
        self.throttle(3)
        results = [run.result() for run in [self.pool.submit(self.run_tool) for _ in range(LOGINS)]]
        self.assertEqual({result.returncode for result in results}, {0}, results)
        self.assertEqual(len(self.calls()), 4)

    def start_login_of_a_short_session(self):
        """Starts a login that must wait for at least four seconds after its first request. The session of its role
        lasts 900 s, the shortest time that AWS allows, and is due for a renewal after one second."""
        role = self.lab.roles["rds-access"].arn
        self.home.write(CONFIG, f"[{self.lab.pg.host}]\nrole_arn = {role}\nduration_seconds = 900\n")
        self.lab.faults({"service": "sts", "kind": "status", "status": 503, "retry_after": "4", "times": 1})
        return self.start_first("token")

    def test_a_login_tries_again_after_another_process_got_a_short_session(self):
        first = self.start_login_of_a_short_session()
        login = self.run_tool()
        self.assertEqual(login.returncode, 0, login.stderr)
        self.assertFalse(first.done(), "control: the first login waits")
        result = first.result()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(self.calls()), 3)

    def test_a_login_that_fails_uses_the_short_session_of_another_process(self):
        first = self.start_login_of_a_short_session()
        keys = json.loads(self.run_tool("credentials").stdout)
        self.lab.faults({"service": "sts", "kind": "status", "status": 403, "code": "AccessDenied", "times": None})
        self.assertFalse(first.done(), "control: the first login waits")
        result = first.result()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(keys["AccessKeyId"], result.stdout)
        self.assertEqual(len(self.calls()), 3, "control: the last request of the first login fails")

    def test_a_silent_service_is_named_too(self):
        """The first process holds the lock while it waits for responses, so the login gets no turn."""
        self.lab.faults({"service": "sts", "kind": "hang", "times": None})
        first = self.start_first()
        login = self.run_tool()
        self.assertEqual(login.returncode, 1)
        self.assertRegex(login.stderr, WAITED + r"STS did not answer: [\w.]+:\d+: Timeout was reached; try again later")
        self.lab.faults()
        first.result()


if __name__ == "__main__":
    harness.main()
