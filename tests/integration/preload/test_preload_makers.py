# SPDX-License-Identifier: MIT
"""Tokens that other programs made, given to a client under the preload. The preload treats every password that
contains X-Amz-Signature= as a token: only a verified server gets it, and if it has expired, the preload replaces it
by the same rules as a token of rds-iam."""
from urllib.parse import quote

from labcase import USER, LabCase, harness
from postgresql_peer import PostgreSQLPeer
import traces
import ways

PRINCIPAL = "etl-session"


def in_order(token, *first):
    """Returns the token with these parameters moved to the front."""
    head, _, query = token.partition("?")
    items = query.split("&")
    order = [i for name in first for i in items if i.startswith(name + "=")]
    return head + "?" + "&".join(order + [i for i in items if i not in order])


# The name of a maker, and the function that turns a botocore token into one of that maker's form.
MAKERS = {
    "AWS's SDK for Java and its JDBC wrapper": lambda t: in_order(t, "DBUser", "Action"),
    "a maker with another order": lambda t: in_order(t, "X-Amz-Signature", "X-Amz-Credential"),
    "a maker that keeps the scheme": lambda t: "https://" + t,
    "Aurora DSQL": lambda t: t.replace("Action=connect&DBUser=" + USER, "Action=DbConnectAdmin"),
    "a maker without a slash": lambda t: t.replace("/?", "?"),
}


class Makers(LabCase):
    def psql(self, peer, preloaded=True, principal=None, conninfo="", sslmode="verify-full", **extra):
        pg = self.lab.pg
        return self.home.run(
            ["psql", "-w", "-X", "-c", "select 1",
             f"host={pg.host} port={peer.port} user={USER} dbname=shop {conninfo}"], principal,
            PGSSLMODE=sslmode, PGSSLROOTCERT=str(self.lab.ca_file),
            **{**(ways.with_preload() if preloaded else {}), **extra})

    def tokens(self, port, at=None, principal=PRINCIPAL):
        botocore = self.lab.token(principal, self.lab.pg, USER, port=port, at=at)
        return {maker: change(botocore) for maker, change in MAKERS.items()}

    def passfile(self, token, escape=lambda text: text.replace("\\", "\\\\").replace(":", "\\:")):
        return self.home.write("pass", f"*:*:*:{USER}:{escape(token)}\n")

    def assert_nothing(self, peer, token):
        self.assertGreaterEqual(peer.connections, 1, "control: psql must have connected")
        self.assertEqual([a for a in peer.answers if a[1].strip(b"\0")], [])
        self.assertEqual(traces.find(peer.received, [traces.signature(token).split("&")[0]]), [])

    def test_an_unverified_server_gets_no_token(self):
        for maker in MAKERS:
            for sslmode in ("disable",):
                with self.subTest(maker=maker, sslmode=sslmode), PostgreSQLPeer(None) as peer:
                    token = self.tokens(peer.port)[maker]
                    result = self.psql(peer, sslmode=sslmode, PGPASSWORD=token)
                    self.assertIn("the token that was given as the password is not sent", result.stderr)
                    self.assert_nothing(peer, token)

    def test_a_token_in_a_passfile_is_recognized_with_any_escaping(self):
        escapes = {"as libpq needs it": None, "each character": lambda t: "".join("\\" + c for c in t)}
        for maker in MAKERS:
            for name, escape in escapes.items():
                with self.subTest(maker=maker, escape=name), PostgreSQLPeer(None) as peer:
                    token = self.tokens(peer.port)[maker]
                    path = self.passfile(token, *([escape] if escape else []))
                    result = self.psql(peer, sslmode="disable", PGPASSFILE=str(path))
                    self.assertIn("the token in the passfile is not sent", result.stderr)
                    self.assert_nothing(peer, token)

    def test_a_token_in_a_conninfo_uri_or_service_file_is_not_sent(self):
        for maker in MAKERS:
            for way in ("conninfo", "uri", "service"):
                with self.subTest(maker=maker, way=way), PostgreSQLPeer(None) as peer:
                    # libpq reads 1022 bytes of a service file's line, too few for a token with a session token.
                    token = self.tokens(peer.port, principal="etl")[maker]
                    where = f"{self.lab.pg.host}:{peer.port}/shop?sslmode=disable"
                    words = {
                        "conninfo": f"host={self.lab.pg.host} port={peer.port} user={USER} dbname=shop "
                                    f"sslmode=disable password={token}",
                        "uri": f"postgresql://{USER}:{quote(token, safe='')}@{where}",
                        "service": "service=given",
                    }[way]
                    self.home.write(".pg_service.conf", f"[given]\nhost={self.lab.pg.host}\nport={peer.port}\n"
                                                        f"user={USER}\nsslmode=disable\npassword={token}\n")
                    result = self.home.run(["psql", "-w", "-X", "-c", "select 1", words], None, **ways.with_preload())
                    self.assertIn("the token that was given as the password is not sent", result.stderr)
                    self.assert_nothing(peer, token)

    def test_a_verified_server_gets_the_token_unchanged(self):
        for maker in MAKERS:
            with self.subTest(maker=maker), PostgreSQLPeer(self.lab.certificates.server) as peer:
                token = self.tokens(peer.port)[maker]
                self.psql(peer, PGPASSWORD=token)
                self.assertEqual(peer.answers, [(True, token.encode() + b"\0")])

    def test_an_expired_token_is_replaced(self):
        for maker in MAKERS:
            with self.subTest(maker=maker), PostgreSQLPeer(self.lab.certificates.server) as peer:
                old = self.tokens(peer.port, at=1000000)[maker]
                self.psql(peer, principal=PRINCIPAL, PGPASSWORD=old)
                (through_tls, data), = peer.answers
                self.assertTrue(through_tls)
                self.assertIn(b"Action=connect&DBUser=", data)
                self.assertNotIn(traces.signature(old).split("&")[0].encode(), data)

    def test_control_libpq_without_the_preload_sends_each_token(self):
        for maker in MAKERS:
            for source in ("variable", "passfile"):
                with self.subTest(maker=maker, source=source), PostgreSQLPeer(None) as peer:
                    token = self.tokens(peer.port)[maker]
                    given = ({"PGPASSWORD": token} if source == "variable"
                             else {"PGPASSFILE": str(self.passfile(token))})
                    self.psql(peer, preloaded=False, sslmode="disable", **given)
                    self.assertEqual(peer.answers, [(False, token.encode() + b"\0")])


if __name__ == "__main__":
    harness.main()
