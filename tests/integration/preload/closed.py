# SPDX-License-Identifier: MIT
"""Tokens that a client has where it cannot be told what its connection would send.

One token, given or in a passfile, and what the program is told. Not here: why it cannot be told.
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

    def conninfo(self, peer, sslmode="prefer"):
        return (f"host={self.lab.pg.host} port={peer.port} user={USER} dbname=shop sslmode={sslmode} "
                f"sslrootcert={self.lab.ca_file} gssencmode=disable")

    def passfile(self):
        escaped = self.token.replace(":", "\\:")
        return str(self.home.write("pass", f"*:*:*:{USER}:{escaped}\n"))

    def given(self):
        return {"given": {"PGPASSWORD": self.token}, "stored": {"PGPASSFILE": self.passfile()}}

    def assert_nothing(self, peer):
        self.assertEqual([a for a in peer.answers if a[1].strip(b"\0")], [])
        self.assertEqual(traces.find(peer.received, [traces.signature(self.token)]), [])

    def assert_token(self, peer):
        self.assertEqual([data for _, data in peer.answers], [self.token.encode() + b"\0"])
