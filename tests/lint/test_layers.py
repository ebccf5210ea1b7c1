# SPDX-License-Identifier: MIT
"""A folder includes headers of lower layers only."""
import pathlib
import re
import tempfile
import unittest

import harness
import house

PUBLIC = "common"  # the folder of rds_iam.h, the public header of the core
BELOW_PUBLIC = ["common/base", "common/codec", "common/aws", "common/config", "common/provider", "common/os"]
# For each folder, a list of other folders. The files of the folder may include every header of its own and of the folders
# in the list. Each folder in a list has its own entry further up.
LAYERS = {
    "common/base": [],
    "common/codec": ["common/base"],
    "common/aws": ["common/base", "common/codec"],
    "common/config": ["common/base", "common/codec", "common/aws"],
    "common/provider": ["common/base", "common/codec", "common/aws", "common/config"],
    "common/os": ["common/base", "common/codec", "common/aws", "common/config", "common/provider"],
    PUBLIC: BELOW_PUBLIC,
    "common/login": [*BELOW_PUBLIC, PUBLIC],
    # The folders from here on are above the core. Of the core, the plugins for MySQL include only the public header;
    # the preloads also include common/base and common/os, and the agent includes common/base. rds-iam-fetch is a
    # program of the core and may include all of it.
    "common/fetch": [*BELOW_PUBLIC, PUBLIC, "common/login"],
    "common/cli": [PUBLIC],
    "common/interpose": ["common/base", "common/os"],
    "mysql_plugin": [PUBLIC],
    "mysql_plugin/mariadb": [PUBLIC, "mysql_plugin"],
    "mysql_plugin/mysql": [PUBLIC, "mysql_plugin"],
    "pg_plugin/passfile": [PUBLIC],
    "pg_plugin/service": [PUBLIC, "pg_plugin/passfile"],
    "pg_plugin/agent": [PUBLIC, "common/base", "common/cli", "pg_plugin/passfile", "pg_plugin/service"],
    "pg_plugin/preload": [PUBLIC, "common/base", "common/os", "common/interpose", "pg_plugin/passfile",
                          "pg_plugin/service"],
    "mysql_plugin/preload": [PUBLIC, "common/base", "common/os", "common/interpose"],
    # common/preload combines the preloads of both plugins. The command-line tool may include code of the PostgreSQL
    # plugin.
    "common/preload": ["common/interpose", "mysql_plugin/preload", "pg_plugin/preload"],
    "common/tool": [PUBLIC, "common/cli", "pg_plugin/passfile", "pg_plugin/service"],
    # rds-iam check is a sub-command of the tool. rds-iam-probe is a program without any part of the core.
    "common/probe": [],
    "common/check": [PUBLIC, "common/cli", "pg_plugin/passfile", "pg_plugin/service", "common/tool"],
}


def includes(path):
    return house.INCLUDE.findall(path.read_text(encoding="utf-8"))


def sources(folder):
    return [p for p in sorted(folder.rglob("*")) if p.suffix in (".c", ".h")]


def folder_of(path):
    return path.rsplit("/", 1)[0]


def violations(root):
    found = []
    for path in house.sources(root):
        own = folder_of(path)
        for other in house.included(root, path):
            if own not in LAYERS or folder_of(other) not in [own, *LAYERS[own]]:
                found.append(f"{path} includes {other}")
    return found


def clients_known_in(folder):
    """The names of client libraries and of their functions that occur in the sources of a folder."""
    return {name for path in [*sources(folder), *folder.rglob("*.S")]
            for name in re.findall(r"\bPQ[a-z]\w+|\bmysql_\w+|\blib(?:pq|mysqlclient|mariadb)\b", path.read_text())}


class Layers(unittest.TestCase):
    def test_layers_include_downwards_only(self):
        self.assertEqual(violations(harness.SOURCE), [])

    def test_each_layer_is_listed_after_the_layers_that_it_includes(self):
        order = list(LAYERS)
        for folder, below in LAYERS.items():
            for other in below:
                self.assertLess(order.index(other), order.index(folder), (folder, other))
        folders = {folder_of(path) for path in house.sources(harness.SOURCE)}
        self.assertEqual(set(LAYERS), folders)

    def test_the_public_header_includes_base_and_five_other_headers(self):
        names = includes(harness.SOURCE / "common/rds_iam.h")
        self.assertEqual({i for i in names if not i.startswith("base/")}, {
            "aws/identity.h", "aws/inquiry.h", "aws/token_text.h", "os/guest_thread.h", "os/process_world.h"})

    def test_the_form_of_a_token_is_defined_in_one_place(self):
        """Only the file that signs tokens and the file that parses them contain the parameter names of a token."""
        users = {p.relative_to(harness.SOURCE).as_posix() for folder in ("common", "mysql_plugin", "pg_plugin")
                 for p in sources(harness.SOURCE / folder)
                 if re.search("X-Amz-Signature=|Action=connect", re.sub(r"/\*.*?\*/", "", p.read_text(), flags=re.S))}
        self.assertEqual(users, {"common/aws/token.c", "common/aws/token_text.c"})

    def test_the_interpose_folder_names_no_client_library(self):
        self.assertEqual(clients_known_in(harness.SOURCE / "common/interpose"), set())

    def test_control_names_of_client_libraries_are_found(self):
        self.assertLessEqual({"PQconnectdb", "PQreset", "libpq"}, clients_known_in(harness.SOURCE / "pg_plugin/preload"))
        self.assertLessEqual({"mysql_clear_password", "mysql_get_optionv"}, clients_known_in(harness.SOURCE / "mysql_plugin"))

    def test_only_one_file_of_the_plugins_includes_openssl(self):
        users = [p.name for p in sources(harness.SOURCE / "common") if "<openssl/" in p.read_text()]
        # The plugins use digest.c only. es256.c belongs to rds-iam-fetch, tls.c to rds-iam-probe, and the ca_bundle
        # files and commands.c belong to rds-iam; these are programs of the product, and no other program loads them.
        self.assertEqual(users, ["digest.c", "es256.c", "tls.c", "ca_bundle.c", "ca_bundle.h", "commands.c"])
        signers = {p.parent.name for folder in ("common", "mysql_plugin", "pg_plugin")
                   for p in sources(harness.SOURCE / folder) if "codec/es256.h" in includes(p)}
        self.assertEqual(signers, {"codec", "fetch"})

    def test_control_upward_includes_are_found(self):
        planted = {
            "common/codec/a.c": "aws/token.h",
            "common/base/b.h": "codec/ini.h",
            "common/aws/h.c": "config/config.h",
            "common/provider/i.c": "rds_iam.h",
            "common/os/j.c": "login/resolve.h",
            "common/os/l.c": "rds_iam.h",
            "mysql_plugin/mariadb/c.c": "aws/token.h",
            "mysql_plugin/mysql/e.c": "aws/endpoint.h",
            "mysql_plugin/f.c": "mariadb/abi.h",
            "common/tool/d.c": "provider/chain.h",
            "pg_plugin/preload/g.c": "aws/token.h",
            "common/interpose/l.c": "preload/connect.h",
            "common/interpose/m.c": "rds_iam.h",
            "common/interpose/n.c": "codec/ini.h",
            "common/aws/o.c": "interpose/next.h",
            "pg_plugin/nowhere/p.c": "base/buf.h",
        }
        existing = {"common/rds_iam.h"} | {f"common/{name}" for name in (
            "aws/endpoint.h", "aws/token.h", "base/buf.h", "codec/ini.h", "config/config.h", "interpose/next.h",
            "login/resolve.h", "provider/chain.h")} | {"mysql_plugin/mariadb/abi.h", "pg_plugin/preload/connect.h"}
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            for name, included in [*planted.items(), *((name, None) for name in existing)]:
                path = pathlib.Path(scratch) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f'#include "{included}"\n' if included else "\n", encoding="utf-8")
            self.assertEqual(len(violations(pathlib.Path(scratch))), len(planted))


harness.main()
