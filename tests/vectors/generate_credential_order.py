# SPDX-License-Identifier: MIT
"""Writes credential_order.json: the credential source that botocore uses if several are configured.

    PYTHONPATH=DIRECTORY tests/python tests/vectors/generate_credential_order.py
        writes the file
    PYTHONPATH=DIRECTORY tests/python tests/vectors/generate_credential_order.py --print
        prints the rows that this botocore gives

DIRECTORY contains botocore 1.31 or later; the rows with `aws login` need 1.42. No program of this source tree runs.
"""
import itertools
import json
import os
import sys
import tempfile

import credential_order as order

ABOUT = (
    "The credential source that botocore uses if several are configured. First every single source and every pair of "
    "sources, without a named profile, with AWS_PROFILE, and with a profile that an option names; then the sources of a "
    "role's source profile, one by one and in pairs; then settings of one source that come from two places. "
    "\"configured\" names entries of CONFIGURED in tests/integration/credentials/credential_order.py, which also contains "
    "the servers; \"access_key_id\" is the key id that botocore obtains, or null if it stops with an error or finds no "
    "credentials. Written by generate_credential_order.py.")
MORE = [
    ["profile web identity", "environment role"],
    ["profile token file", "environment role"],
    ["role", "environment role"],
    ["environment token file", "profile web identity"],
    ["environment token file"],
    ["environment token file", "role"],
    ["environment web identity", "profile session name"],
    ["environment web identity", "environment session name", "profile session name"],
    ["profile web identity", "environment session name"],
    ["profile web identity", "environment session name", "profile session name"],
    ["own source", "config file keys"],
    ["own source", "credentials file keys"],
    ["own source", "config file keys", "process"],
    ["own source", "process"],
    ["role", "base role"],
    ["role", "base role", "base config file keys"],
    ["role", "base role", "base config file keys", "base process"],
    ["role", "base role of the profile"],
    ["role", "base role of the profile", "config file keys"],
    ["role", "base role of the profile", "credentials file keys"],
    ["role", "base role of the profile", "base config file keys"],
    ["sso session alone"],
    ["sso session alone", "process"],
    ["sso session alone", "container"],
    ["credentials file keys", "process", "config file keys"],
    ["environment web identity", "sso", "credentials file keys", "login", "process", "config file keys"],
]


def situations():
    for profile in (None, "AWS_PROFILE", "option"):
        for count in (1, 2):
            for names in itertools.combinations(order.SOURCES, count):
                yield profile, list(names)
    for count in (1, 2):
        for names in itertools.combinations(order.BASE_SOURCES, count):
            yield None, ["role", *names]
    for profile in (None, "AWS_PROFILE", "option"):
        for names in MORE:
            yield profile, names


def answer(situation):
    import botocore.credentials
    import botocore.exceptions
    import botocore.session
    # botocore supports `aws login` only if EC, from awscrt, exists. Only a renewal uses it, and no token here needs
    # one.
    botocore.credentials.EC = object()
    os.environ.clear()
    os.environ.update(situation.environment(), HOME=str(situation.home), PATH="/usr/bin:/bin")
    try:
        found = botocore.session.Session(profile=situation.option()).get_credentials()
        return None if found is None else found.get_frozen_credentials().access_key
    except (botocore.exceptions.BotoCoreError, OSError, ValueError) as error:
        print(situation.named_by, situation.lines, repr(error)[:200], file=sys.stderr)
        return None


def rows(url, home):
    for profile, configured in situations():
        row = {"profile": profile, "configured": configured}
        situation = order.Situation(row, home, url)
        situation.write()
        yield {**row, "access_key_id": answer(situation)}


def main():
    with tempfile.TemporaryDirectory() as home, order.cloud() as url:
        # botocore looks for its caches below HOME when it is imported.
        os.environ["HOME"] = home
        import botocore
        found = list(rows(url, home))
    document = {"about": ABOUT, "botocore": botocore.__version__, "rows": found}
    head, lines = json.dumps({**document, "rows": []}, indent=1)[:-4], [json.dumps(row) for row in found]
    text = head + "[\n  " + ",\n  ".join(lines) + "\n ]\n}\n"
    if "--print" in sys.argv:
        print(text, end="")
    else:
        order.VECTORS.write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
