# SPDX-License-Identifier: MIT
"""Tokens of other makers than ours, given to a client under the preload. Whatever holds
X-Amz-Signature= is a token: it goes to a verified server or nowhere, and it is replaced by the rules
that hold for our own."""
from urllib.parse import quote

from labcase import USER, LabCase, harness
from postgresql_peer import PostgreSQLPeer
import traces
import ways

PRINCIPAL = "etl-session"


def in_order(token, *first):
    """The same token with these parameters in front."""
    head, _, query = token.partition("?")
    items = query.split("&")
    order = [i for name in first for i in items if i.startswith(name + "=")]
    return head + "?" + "&".join(order + [i for i in items if i not in order])


# A maker's name: what it makes of the parameters that every maker has.
MAKERS = {
    "AWS's SDK for Java and its JDBC wrapper": lambda t: in_order(t, "DBUser", "Action"),
    "a maker that sorts otherwise": lambda t: in_order(t, "X-Amz-Signature", "X-Amz-Credential"),
    "a maker that leaves the scheme": lambda t: "https://" + t,
    "Aurora DSQL": lambda t: t.replace("Action=connect&DBUser=" + USER, "Action=DbConnectAdmin"),
    "a maker without a slash": lambda t: t.replace("/?", "?"),
}


class Makers(LabCase):
    def psql(self, peer, under=True, principal=None, conninfo="", sslmode="verify-full", **extra):
        pg = self.lab.pg
        return self.home.run(
            ["psql", "-w", "-X", "-c", "select 1",
             f"host={pg.host} port={peer.port} user={USER} dbname=shop {conninfo}"], principal,
            PGSSLMODE=sslmode, PGSSLROOTCERT=str(self.lab.ca_file),
            **{**(ways.with_preload() if under else {}), **extra})

    def tokens(self, port, at=None, principal=PRINCIPAL):
        botocore = self.lab.token(principal, self.lab.pg, USER, port=port, at=at)
        return {maker: change(botocore) for maker, change in MAKERS.items()}

    def passfile(self, token, escape=lambda text: text.replace("\\", "\\\\").replace(":", "\\:")):
        return self.home.write("pass", f"*:*:*:{USER}:{escape(token)}\n")

    def assert_nothing(self, peer, token):
        self.assertGreaterEqual(peer.connections, 1, "control: psql must have been there")
        self.assertEqual([a for a in peer.answers if a[1].strip(b"\0")], [])
        self.assertEqual(traces.find(peer.received, [traces.signature(token).split("&")[0]]), [])

    def test_none_goes_where_nobody_was_verified(self):
        for maker in MAKERS:
            for sslmode in ("disable", "prefer"):
                with self.subTest(maker=maker, sslmode=sslmode), PostgreSQLPeer(None) as peer:
                    token = self.tokens(peer.port)[maker]
                    result = self.psql(peer, sslmode=sslmode, PGPASSWORD=token)
                    self.assertIn("the token that was given as the password is not sent", result.stderr)
                    self.assert_nothing(peer, token)

    def test_nor_from_a_passfile_however_it_is_escaped(self):
        escapes = {"as libpq needs it": None, "each character": lambda t: "".join("\\" + c for c in t)}
        for maker in MAKERS:
            for name, escape in escapes.items():
                with self.subTest(maker=maker, escape=name), PostgreSQLPeer(None) as peer:
                    token = self.tokens(peer.port)[maker]
                    path = self.passfile(token, *([escape] if escape else []))
                    result = self.psql(peer, sslmode="prefer", PGPASSFILE=str(path))
                    self.assertIn("the token in the passfile is not sent", result.stderr)
                    self.assert_nothing(peer, token)

    def test_nor_by_the_other_ways_to_give_a_password(self):
        for maker in MAKERS:
            for way in ("conninfo", "uri", "service"):
                with self.subTest(maker=maker, way=way), PostgreSQLPeer(None) as peer:
                    # A line of a service file has 1022 bytes: no room for a session's token.
                    token = self.tokens(peer.port, principal="etl")[maker]
                    where = f"{self.lab.pg.host}:{peer.port}/shop?sslmode=prefer"
                    words = {
                        "conninfo": f"host={self.lab.pg.host} port={peer.port} user={USER} dbname=shop "
                                    f"sslmode=prefer password={token}",
                        "uri": f"postgresql://{USER}:{quote(token, safe='')}@{where}",
                        "service": "service=given",
                    }[way]
                    self.home.write(".pg_service.conf", f"[given]\nhost={self.lab.pg.host}\nport={peer.port}\n"
                                                        f"user={USER}\nsslmode=prefer\npassword={token}\n")
                    result = self.home.run(["psql", "-w", "-X", "-c", "select 1", words], None, **ways.with_preload())
                    self.assertIn("the token that was given as the password is not sent", result.stderr)
                    self.assert_nothing(peer, token)

    def test_a_verified_server_gets_it_as_it_is(self):
        for maker in MAKERS:
            with self.subTest(maker=maker), PostgreSQLPeer(self.lab.certificates.server) as peer:
                token = self.tokens(peer.port)[maker]
                self.psql(peer, PGPASSWORD=token)
                self.assertEqual(peer.answers, [(True, token.encode() + b"\0")])

    def test_one_that_is_over_is_replaced(self):
        for maker in MAKERS:
            with self.subTest(maker=maker), PostgreSQLPeer(self.lab.certificates.server) as peer:
                old = self.tokens(peer.port, at=1000000)[maker]
                self.psql(peer, principal=PRINCIPAL, PGPASSWORD=old)
                (through_tls, data), = peer.answers
                self.assertTrue(through_tls)
                self.assertIn(b"Action=connect&DBUser=", data)
                self.assertNotIn(traces.signature(old).split("&")[0].encode(), data)

    def test_control_bare_libpq_hands_each_of_them_over(self):
        for maker in MAKERS:
            for source in ("variable", "passfile"):
                with self.subTest(maker=maker, source=source), PostgreSQLPeer(None) as peer:
                    token = self.tokens(peer.port)[maker]
                    given = ({"PGPASSWORD": token} if source == "variable"
                             else {"PGPASSFILE": str(self.passfile(token))})
                    self.psql(peer, under=False, sslmode="prefer", **given)
                    self.assertEqual(peer.answers, [(False, token.encode() + b"\0")])


if __name__ == "__main__":
    harness.main()
