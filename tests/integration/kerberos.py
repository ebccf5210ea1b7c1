# SPDX-License-Identifier: MIT
"""A home directory with a Kerberos ticket that client libraries find but no KDC issued.

The ticket is in a credential cache of version 4. MIT's page "ccache file format" describes this format. No
server accepts the ticket, but a library that checks for a ticket finds it.
"""
import struct
import time

REALM = "CORP.EXAMPLE.COM"
CLIENT = ("person",)
GRANTING = ("krbtgt", REALM)
NAME_TYPE = 1
AES256, KEY_SIZE = 18, 32
LIFE_SECONDS = 36000


def _data(value):
    return struct.pack("!I", len(value)) + value


def _principal(components):
    parts = [REALM, *components]
    return struct.pack("!II", NAME_TYPE, len(components)) + b"".join(_data(p.encode()) for p in parts)


def environment(home):
    """Writes the credential cache into the home. Returns the environment variables that name it."""
    now = int(time.time())
    credential = b"".join([
        _principal(CLIENT), _principal(GRANTING), struct.pack("!H", AES256), _data(b"k" * KEY_SIZE),
        struct.pack("!IIII", now, now, now + LIFE_SECONDS, 0), b"\0", struct.pack("!III", 0, 0, 0),
        _data(b"a ticket"), _data(b"")])
    cache = home.path / "tickets"
    cache.write_bytes(struct.pack("!HH", 0x0504, 0) + _principal(CLIENT) + credential)
    cache.chmod(0o600)
    config = home.write("krb5.conf", f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\n")
    return {"KRB5CCNAME": f"FILE:{cache}", "KRB5_CONFIG": str(config)}
