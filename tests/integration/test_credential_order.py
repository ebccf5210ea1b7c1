# SPDX-License-Identifier: MIT
"""Every row of credential_order.json through the installed program: it uses the source that botocore,
and with it the AWS CLI, uses."""
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import credential_order as order  # noqa: E402
from labcase import harness  # noqa: E402

DOCUMENT = json.loads(order.VECTORS.read_text(encoding="ascii"))
SINGLE = len(order.SOURCES)
# Every source alone and every pair, for each way to choose a profile.
MATRIX = 3 * (SINGLE + SINGLE * (SINGLE - 1) // 2)


class CredentialOrder(unittest.TestCase):
    def ask(self, row, url):
        """The access key id, or None, and what the program printed on stderr."""
        with tempfile.TemporaryDirectory(dir=harness.WORK) as home:
            situation = order.Situation(row, home, url)
            situation.write()
            argv = [harness.installed("bin/rds-iam"), "credentials"]
            if situation.option():
                argv += ["--profile", situation.option()]
            result = harness.run(
                argv, env={"PATH": "/usr/bin:/bin", "HOME": home, **situation.environment()})
        key = json.loads(result.stdout)["AccessKeyId"] if result.returncode == 0 else None
        return key, result.stderr

    def test_every_row(self):
        agreed = 0
        with order.cloud() as url:
            for row in DOCUMENT["rows"]:
                with self.subTest(row=row):
                    key, stderr = self.ask(row, url)
                    self.assertEqual(key, row["access_key_id"], stderr)
                    agreed += 1
        self.assertEqual(agreed, len(DOCUMENT["rows"]))

    def test_the_matrix_is_whole(self):
        seen = {(row["profile"], *row["configured"]) for row in DOCUMENT["rows"]}
        self.assertEqual(len(seen), len(DOCUMENT["rows"]))
        whole = [row for row in DOCUMENT["rows"]
                 if len(row["configured"]) <= 2 and set(row["configured"]) <= set(order.SOURCES)]
        self.assertEqual(len(whole), MATRIX)
        self.assertEqual(MATRIX, 198)


if __name__ == "__main__":
    harness.main()
