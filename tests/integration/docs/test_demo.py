# SPDX-License-Identifier: MIT
"""tests/demo --keep: a user copies the printed commands into another shell, and each of them logs in or reports success.

The demonstration runs in a PID namespace of its own, which ends with the test. So no server is left running.
"""
import os
import re
import tempfile
import unittest

import harness

DEMO = harness.SOURCE / "tests/integration/demo.py"
NAMESPACE = ["setpriv", "--pdeathsig", "KILL", "unshare", *([] if os.geteuid() == 0 else ["--user", "--map-current-user"]),
             "--pid", "--mount-proc", "--fork", "--kill-child"]
# Variables of a user's shell that would break the logins.
USERS_OWN = {"AWS_PROFILE": "missing", "AWS_REGION": "nowhere", "PGHOST": "nowhere.example.com", "PGPASSWORD": "old",
             "MYSQL_PWD": "old", "XDG_RUNTIME_DIR": "/nonexistent", "TERM": "dumb"}
# Runs the demonstration. Then runs each printed command of the last group in a shell that the first group starts. psql
# and mariadb read a query. The line of "=" separates the output of two commands. A login in the user's own shell, without
# the printed environment, is the control.
SCRIPT = r"""
"$1" "$2" --keep >"$RIA_WORK/output" || { cat "$RIA_WORK/output"; exit 1; }
shell=$(grep -m1 '^    env ' "$RIA_WORK/output")
sed -n '/^In this shell, run:/,/^The log/s/^    //p' "$RIA_WORK/output" | while read -r command; do
    printf '%s <<<"select current_user;" && echo SUCCEEDED\n' "$command" | sh -c "$shell -i" 2>&1
    echo =====
done
psql -w service=shop 2>&1 </dev/null && echo SUCCEEDED
echo =====
exec "$1" "$2" --end
"""


class Demo(unittest.TestCase):
    def test_the_commands_that_keep_prints(self):
        with tempfile.TemporaryDirectory(prefix="demo-", dir=harness.WORK) as work:
            os.chmod(work, 0o755)
            result = harness.run(
                [*NAMESPACE, "bash", "-c", SCRIPT, "bash", harness.SOURCE / "tests/python", DEMO],
                env={**os.environ, **USERS_OWN, "RIA_WORK": work}, cwd=work)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        *outputs, control, end = result.stdout.split("=====\n")
        self.assertEqual(len(outputs), 5, result.stdout)
        for output, expected in zip(outputs, ("clickpipes_iam_user@%", "clickpipes_iam_user", "clickpipes_iam_user",
                                              "The login works.", "1 of 2 services have their tokens"), strict=True):
            with self.subTest(expected=expected):
                self.assertRegex(output, rf"(?m){re.escape(expected)}[\s\S]*^SUCCEEDED$")
        self.assertNotIn("SUCCEEDED", control)
        self.assertEqual(end, "ended\n")


if __name__ == "__main__":
    harness.main()
