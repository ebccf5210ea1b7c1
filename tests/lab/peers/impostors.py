# SPDX-License-Identifier: MIT
"""The servers that stand in for an RDS server and cannot prove its name.

IMPOSTORS maps the name of each of these servers to the attribute of lab.certificates that is the server's
certificate. None: the server offers no TLS.
"""
from mysql_peer import MySQLPeer
from postgresql_peer import PostgreSQLPeer

IMPOSTORS = {
    "no TLS": None,
    "a certificate of another CA": "other_ca",
    "a certificate that it signed itself": "self_signed",
    "a certificate of RDS's CA for another name": "wrong_name",
}
# The certificate of the server that can prove its name.
VERIFIED = "server"

PEERS = {"mysql": MySQLPeer, "postgresql": PostgreSQLPeer}


def peer(lab, protocol, certificate):
    """Returns a server that records what it receives. It requests a cleartext password and denies the login."""
    return PEERS[protocol](certificate and getattr(lab.certificates, certificate))
