# SPDX-License-Identifier: MIT
"""The base class for connections whose password rds-iam cannot determine.

The client has one token, in PGPASSWORD or in a passfile. The module also contains the messages that the
program gets. The tests create the conditions under which the password cannot be determined.
"""
from labcase import USER, LabCase, harness

import traces
import ways

__all__ = ["OLD", "UNASKED", "UNKNOWN", "ClosedCase", "harness", "ways"]

OLD = ("rds-iam: not connected: this libpq is older than 10 and does not report whether it would send a token; use "
       "libpq 10 or later, or start the program without rds-iam exec (librds-iam-pq.so)")
UNKNOWN = ("rds-iam: not connected: libpq does not report whether it would send a token, maybe for lack of memory; "
           "try again, or start the program without rds-iam exec (librds-iam-pq.so)")
UNASKED = "rds-iam: not connected: the connection may send a token to a server that is not verified, and "


class ClosedCase(LabCase):
    def setUp(self):
        super().setUp()
        self.token = self.lab.token("etl", self.lab.pg, USER)

    def conninfo(self, peer, sslmode="disable"):
        return (f"host={self.lab.pg.host} port={peer.port} user={USER} dbname=shop sslmode={sslmode} "
                f"sslrootcert={self.lab.ca_file} gssencmode=disable")

    def passfile(self):
        escaped = self.token.replace(":", "\\:")
        return str(self.home.write("pass", f"*:*:*:{USER}:{escaped}\n"))

    def given(self):
        """Returns the two ways to give the client its token, each as environment variables."""
        return {"given": {"PGPASSWORD": self.token}, "stored": {"PGPASSFILE": self.passfile()}}

    def assert_nothing(self, peer):
        """Checks that the peer received no password and no part of the token."""
        self.assertEqual([a for a in peer.answers if a[1].strip(b"\0")], [])
        self.assertEqual(traces.find(peer.received, [traces.signature(self.token)]), [])

    def assert_token(self, peer):
        """Checks that the peer received the token and nothing else as a password."""
        self.assertEqual([data for _, data in peer.answers], [self.token.encode() + b"\0"])
