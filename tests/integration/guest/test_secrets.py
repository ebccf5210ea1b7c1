# SPDX-License-Identifier: MIT
"""Places that must contain no secret: logs, the output of clients, and the memory of a client after its login. A
control for each search shows that it finds a planted secret."""
import hashlib
import hmac
import os
import pathlib
import re
import subprocess
import time

from labcase import USER, harness
from mariadb_client import WHO, MariadbCase, credentials_file
from secret_search import PIECE, TOKEN, find, pieces

def signing_keys(secret, *scope):
    """Yields the keys that SigV4 derives from the secret, one for each part of the scope. The last key signs."""
    key = b"AWS4" + secret.encode()
    for text in (*scope, "aws4_request"):
        key = hmac.new(key, text.encode(), hashlib.sha256).digest()
        yield key


def memory(pid):
    """Returns all writable memory of a process: heap, stacks, data of its libraries, anonymous mappings."""
    found = bytearray()
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            span, mode = line.split()[:2]
            if not mode.startswith("rw"):
                continue
            start, end = (int(number, 16) for number in span.split("-"))
            mem.seek(start)
            while start < end:
                piece = mem.read(end - start)
                if not piece:
                    break
                found += piece
                start += len(piece)
    return bytes(found)


class Output(MariadbCase):
    def needles(self, principal):
        entry = self.lab.principals[principal]
        return pieces(entry.secret_key) | pieces(entry.session_token or "")

    def output(self, *options, principal="etl-session", **extra):
        """Runs a login, which may be refused, with the log switched on. Returns all output."""
        result = self.mariadb(*options, principal=principal, RDS_IAM_LOG="1", **extra)
        self.assertIn("rds-iam: ", result.stderr)
        return (result.stdout + result.stderr).encode()

    def assert_silent(self, text, principal):
        self.assertEqual(find(self.needles(principal), text), [], text)
        self.assertIsNone(TOKEN.search(text), text)

    def test_successful_and_refused_logins_print_no_secret(self):
        plain = ("--skip-ssl", "--ssl-verify-server-cert=0")
        rows = (
            ((), {}),
            ((), {"principal": "no-policy"}),
            ((), {"principal": "etl-expired"}),
            ((), {"AWS_CREDENTIAL_EXPIRATION": "never"}),
            ((), {"AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}),
            (("--verbose",), {}),
            (plain, {}),
        )
        for options, extra in rows:
            with self.subTest(options=options, **extra):
                text = self.output(*options, **extra)
                self.assert_silent(text, extra.get("principal", "etl-session"))

    def test_a_line_that_cannot_be_parsed_is_not_printed(self):
        entry = self.lab.principals["etl"]
        broken = credentials_file(entry, "default").replace("aws_secret_access_key =", "")
        self.home.write(".aws/credentials", broken)
        text = self.output(principal=None)
        self.assert_silent(text, "etl")

    def test_control_the_search_finds_what_is_printed(self):
        entry = self.lab.principals["etl-session"]
        token = self.lab.token("etl-session", self.lab.mariadb, USER)
        for secret in (entry.secret_key, entry.session_token, token):
            with self.subTest(length=len(secret)):
                text = self.mariadb(
                    query=f"select '{secret}'", principal="etl-session").stdout.encode()
                self.assertTrue(find(self.needles("etl-session"), text) or TOKEN.search(text))
        self.assertIsNotNone(TOKEN.search(token.encode()))


class Memory(MariadbCase):
    """The memory of a client after its login. The client gets its keys from a file, because the variables of its
    environment would stay in its memory."""

    def setUp(self):
        super().setUp()
        self.entry = self.lab.principals["etl-session"]
        self.home.write(".aws/credentials", credentials_file(self.entry, "default"))

    def logged_in(self, principal=None, **extra):
        """Returns the memory of a `mariadb` that is logged in and waits for a command."""
        client = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL",
             *map(str, self.argv("--unbuffered", "-N", query=None))],
            env=self.home.env(principal, **extra), cwd=self.home.path, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            client.stdin.write(WHO + ";\n")
            client.stdin.flush()
            self.assertTrue(client.stdout.readline().startswith(f"{USER}@%"))
            return memory(client.pid)
        finally:
            client.stdin.close()
            client.wait(30)
            client.stdout.close()

    def test_the_secret_key_and_its_derived_keys_are_not_in_memory(self):
        days = {time.strftime("%Y%m%d", time.gmtime())}
        found = self.logged_in()
        days.add(time.strftime("%Y%m%d", time.gmtime()))
        self.assertIn(self.lab.mariadb.host.encode(), found, "control: the search covers the client's memory")
        self.assertEqual(find(pieces(self.entry.secret_key), found), [])
        for day in days:
            keys = signing_keys(self.entry.secret_key, day, self.lab.mariadb.region, "rds-db")
            self.assertEqual(find(keys, found), [])

    def test_the_unencoded_session_token_is_not_in_memory(self):
        # The client's network buffer still contains the token, with the session token in percent-encoded form; the
        # plugin cannot wipe that buffer. Pieces with +, / or = can therefore only come from the plugin's own copy.
        found = self.logged_in()
        raw = {piece for piece in pieces(self.entry.session_token)
               if re.search(rb"[+/=]", piece)}
        self.assertGreater(len(raw), 100)
        self.assertEqual(find(raw, found), [])

    def test_control_the_search_finds_secrets_in_the_environment(self):
        # Also plants a signing key: the one of the example in AWS's documentation.
        *_, key = signing_keys(
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam")
        self.assertTrue(key.hex().startswith("c4afb1cc5771d871763a393e44b70357"))
        planted = key.replace(b"\0", b"\1")  # a variable cannot contain NUL
        found = self.logged_in("etl-session", PLANTED=os.fsdecode(planted))
        self.assertEqual(find([planted], found), [planted])
        for secret in (self.entry.secret_key, self.entry.session_token):
            whole = {secret[i:i + PIECE].encode() for i in range(len(secret) - PIECE + 1)}
            self.assertEqual(whole & set(find(pieces(secret), found)), whole)


if __name__ == "__main__":
    harness.main()
