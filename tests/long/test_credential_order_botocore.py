# SPDX-License-Identifier: MIT
"""A real botocore, that of Debian 13, decides as each row of credential_order.json states, and makes each token of
dsql_tokens.json. It is unpacked below build/botocore and not installed. This version does not support `aws login`; the
rows with a login come from the newer botocore that credential_order.json names, and are not compared."""
import json
import shutil
import subprocess
import unittest

import client_releases
import credential_order as order
import harness

SUITE = "trixie"
PACKAGE = "python3-botocore"
CACHE = (harness.BUILD / ".." / "botocore").resolve()
GENERATOR = harness.SOURCE / "tests/vectors/generate_credential_order.py"
# The first version with AWS_ENDPOINT_URL, which directs botocore to the servers of this test.
OLDEST = (1, 31)
SECONDS = 600


def modules():
    """The directory that contains the module botocore. Downloads it if it is missing."""
    root = CACHE / SUITE
    if not root.exists():
        draft = CACHE / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        archive = client_releases.download(SUITE, CACHE / "apt", PACKAGE)
        subprocess.run(["dpkg-deb", "-x", archive, draft], check=True, timeout=SECONDS)
        shutil.rmtree(CACHE / "apt")
        draft.rename(root)
    return root / "usr/lib/python3/dist-packages"


def without_login(rows):
    return [row for row in rows if not any("login" in name for name in row["configured"])]


class CredentialOrderBotocore(unittest.TestCase):
    maxDiff = None

    def test_every_row_is_the_decision_of_botocore(self):
        printed = harness.run(
            [harness.PYTHON, GENERATOR, "--print"], timeout=SECONDS,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(modules())})
        self.assertEqual(printed.returncode, 0, printed.stderr)
        real = json.loads(printed.stdout)
        version = tuple(int(number) for number in real["botocore"].split(".")[:2])
        self.assertGreaterEqual(version, OLDEST)
        listed = json.loads(order.VECTORS.read_text(encoding="ascii"))["rows"]
        self.assertEqual(without_login(real["rows"]), without_login(listed))
        # Of the 255 rows without a login, 165 have one or two of the ten sources that this botocore supports: 55
        # choices, each with the three ways to name a profile.
        self.assertEqual((len(listed), len(without_login(listed))), (297, 255))


class DsqlTokens(unittest.TestCase):
    def test_every_token_is_that_of_botocore(self):
        printed = harness.run(
            [harness.PYTHON, harness.SOURCE / "tests/vectors/generate_dsql_tokens.py", "--print"], timeout=SECONDS,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(modules())})
        self.assertEqual(printed.returncode, 0, printed.stderr)
        real = json.loads(printed.stdout)
        listed = json.loads((harness.SOURCE / "tests/vectors/dsql_tokens.json").read_text(encoding="utf-8"))
        self.assertEqual(real["cases"], listed["cases"])
        self.assertEqual(len(listed["cases"]), 12)
        self.assertNotEqual(real["about"], listed["about"], "control: another version of botocore")


if __name__ == "__main__":
    harness.main()
