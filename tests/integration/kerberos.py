# SPDX-License-Identifier: MIT
"""A user who has a Kerberos ticket, as far as his own machine can tell.

The ticket is in a credential cache of version 4, as MIT's "ccache file format" page describes it. No
KDC ever made it, so that it opens nothing; libraries that ask whether there is one find it.
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
    """Writes the cache into the home, and returns the variables that name it."""
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
