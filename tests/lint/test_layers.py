"""Layers include downwards only."""
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402

# Each layer of common/ may include itself and those in front of it.
CORE = ["base", "codec", "aws", "config", "provider", "os", "login"]
# These implement the core's door, rds_iam.h; the layers in front of them do not know it.
IMPLEMENT_THE_DOOR = ["os", "login"]
ABOVE = {
    "common/fetch": ["fetch", *CORE, "rds_iam.h"],
    "mysql_plugin/mariadb": ["rds_iam.h", "login_token.h", "sentence.h", "abi.h", "plugin.h"],
    "mysql_plugin/mysql": ["rds_iam.h", "login_token.h", "sentence.h", "abi.h", "layout.h", "plugin.h"],
    "mysql_plugin": ["rds_iam.h", "login_token.h", "sentence.h"],
    # A program stands above both sides; rds-iam lint needs libpq's reader of service files.
    "common/tool": ["tool", "rds_iam.h", "service"],
    # Of the core the preload's first object needs RIA_AUTO, the rule of what is a token, and the rule
    # of what may be written to descriptor 2.
    "pg_plugin/preload": [
        "rds_iam.h", "service", "passfile", "preload", "base", "aws/token_text.h", "os/guest_stderr.h"],
    "pg_plugin": ["rds_iam.h", "service", "passfile", "agent"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def sources(folder):
    return [p for p in sorted(folder.rglob("*")) if p.suffix in (".c", ".h")]


def allowed(relative):
    """The first components that a file may include, or None where there is no rule."""
    parts = relative.parts
    if relative.as_posix() == "common/rds_iam.h":
        return CORE
    if parts[0] == "common" and parts[1] in CORE:
        door = ["rds_iam.h"] if parts[1] in IMPLEMENT_THE_DOOR else []
        return CORE[: CORE.index(parts[1]) + 1] + door
    for folder, names in ABOVE.items():
        if relative.as_posix().startswith(folder + "/"):
            return names
    return None


def violations(root):
    found = []
    for folder in ("common", "mysql_plugin", "pg_plugin"):
        for path in sources(root / folder):
            relative = path.relative_to(root)
            names = allowed(relative)
            for include in includes(path):
                first = include.split("/")[0]
                if names is None or not {first, include} & set(names):
                    found.append("%s includes %s" % (relative, include))
    return found


class Layers(unittest.TestCase):
    def test_layers_include_downwards_only(self):
        self.assertEqual(violations(harness.SOURCE), [])

    def test_the_core_door_brings_base_and_what_a_token_is(self):
        names = includes(harness.SOURCE / "common/rds_iam.h")
        self.assertEqual({i for i in names if not i.startswith("base/")}, {"aws/token_text.h"})

    def test_what_a_token_is_has_one_place(self):
        """All else that knows a token's text is its maker, and the host that answers for RDS."""
        users = {p.relative_to(harness.SOURCE).as_posix() for folder in ("common", "mysql_plugin", "pg_plugin")
                 for p in sources(harness.SOURCE / folder)
                 if re.search("X-Amz-Signature=|Action=connect", re.sub(r"/\*.*?\*/", "", p.read_text(), flags=re.S))}
        self.assertEqual(users, {"common/aws/token.c", "common/aws/token_text.c"})

    def test_openssl_is_included_by_two_files_and_one_of_them_is_no_guest(self):
        users = [p.name for p in sources(harness.SOURCE / "common") if "<openssl/" in p.read_text()]
        self.assertEqual(users, ["digest.c", "es256.c"])
        signers = {p.parent.name for folder in ("common", "mysql_plugin", "pg_plugin")
                   for p in sources(harness.SOURCE / folder) if "codec/es256.h" in includes(p)}
        self.assertEqual(signers, {"codec", "fetch"})

    def test_control_upward_includes_are_found(self):
        planted = {
            "common/codec/a.c": '#include "aws/token.h"\n',
            "common/base/b.h": '#include "codec/ini.h"\n',
            "common/aws/h.c": '#include "config/config.h"\n',
            "common/provider/i.c": '#include "rds_iam.h"\n',
            "common/os/j.c": '#include "login/resolve.h"\n',
            "common/k.c": '#include "base/buf.h"\n',
            "mysql_plugin/mariadb/c.c": '#include "aws/token.h"\n',
            "mysql_plugin/mysql/e.c": '#include "aws/endpoint.h"\n',
            "mysql_plugin/f.c": '#include "abi.h"\n',
            "common/tool/d.c": '#include "provider/chain.h"\n',
            "pg_plugin/preload/g.c": '#include "aws/token.h"\n',
        }
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            for name, text in planted.items():
                path = pathlib.Path(scratch) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            self.assertEqual(len(violations(pathlib.Path(scratch))), len(planted))


harness.main()
