# SPDX-License-Identifier: MIT
"""The manual pages: their form, their references, the keys and values of the configuration, the requests of
rds-iam-fetch, the environment under rds-iam exec, and their examples. Most rules have a control with a planted fault."""
import pathlib
import re
import shutil
import tempfile
import unittest

import harness
import options

PAGES = {
    "rds-iam.1": "common/tool", "rds-iam.conf.5": "common/config", "rds-iam-mysql.7": "mysql_plugin",
    "rds-iam-postgresql.7": "pg_plugin", "rds-iam-agent.8": "pg_plugin/agent", "rds-iam-fetch.8": "common/fetch",
}
# The sections that each page must have, in this order. The page of a command has more sections.
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO")
OF_COMMANDS = ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO")
REFERENCE = re.compile(r"\b(rds-iam[a-z.-]*)\((\d)\)")
LITERAL = re.compile(r"^```\n(.*?)^```$", re.M | re.S)
# What mandoc reports about the output of scdoc 1.11 for every page. These reports are ignored.
OF_SCDOC = re.compile(r"input text line longer than 80|skipping paragraph macro: PP|lower case character in document title")
KEY = re.compile(r'^    \{"([a-z_]+)",', re.M)
CA = "/etc/ssl/certs/ca-certificates.crt"  # rds-iam lint checks that the file can be read
FIXED = re.compile(r"\*([a-z-]+)\*:")


def source(page, root=harness.SOURCE):
    return (root / PAGES[page] / f"{page}.scd").read_text(encoding="utf-8")


def read(name):
    return (harness.SOURCE / name).read_text(encoding="utf-8")


def installed_pages():
    return {path.name for path in (harness.PREFIX / "share/man").glob("man?/*")}


def order_fault(text, names):
    """The first section that is missing or comes too early, or None."""
    headings = re.findall(r"^# (.*)$", text, re.M)
    at = -1
    for name in names:
        if name not in headings[at + 1:]:
            return name
        at = headings.index(name, at + 1)
    return None


def dead_references(text, pages):
    return sorted({f"{name}({section})" for name, section in REFERENCE.findall(text) if f"{name}.{section}" not in pages})


def documented_keys(text):
    """{key: its text} of the section KEYS of rds-iam.conf(5)."""
    keys = re.search(r"^# KEYS$(.*?)^# ", text, re.M | re.S)[1]
    return dict(re.findall(r"^\*([a-z_]+)\*\n\t(.*?)\n(?=\n)", keys, re.M | re.S))


def unknown_options(text, table):
    """The commands and options in the text that the table does not have."""
    found = []
    for words in re.findall(r"\b(rds-iam(?:-agent)?(?: [^\n*;&|`]+)?)", re.sub(r"\\\n\s*", " ", text)):
        words = words.split()
        words = words[:words.index("--")] if "--" in words else words
        command = words[0]
        while len(words) > 1 and command in options.GROUPS and re.fullmatch("[a-z-]+", words[1]):
            if words[1] not in table[command]:
                break
            command = f"{command} {words.pop(1)}"
        if command in options.GROUPS and len(words) > 1 and not words[1].startswith("-"):
            found.append(f"{command} {words[1]}")
        found += [f"{command} {word}" for word in words[1:]
                  if re.fullmatch("--[a-z-]+", word) and word not in (*table[command], options.HELP)]
    return found


def fetch_hosts():
    """The hosts, addresses and actions in the sources of rds-iam-fetch, as the manual writes them."""
    services = re.findall(r'\{"(?:STS|SSO|SSO_OIDC|RDS)", "\w+", "([a-z.]+)"', read("common/aws/service.c"))
    found = {f"{label}._REGION_.amazonaws.com" for label in services}
    found |= {"_REGION_." + name for name in re.findall(r'\{"aws", "(signin[a-z.]+)"', read("common/aws/service.c"))}
    found |= set(re.findall(r'\{"aws",\s*\{"([a-z.]+)"', read("common/aws/service.c")))
    found |= set(re.findall(r'"https://([^/"]+)/', read("common/provider/trust_bundle.c")))
    found |= set(re.findall(r'"(?:http://)?\[?(169[\d.]+|fd00[\da-f:]+)\]?"',
                            read("common/fetch/container.c") + read("common/provider/instance_metadata.c")))
    found |= set(re.findall(r'"(?:rds|iam):(\w+)"', read("common/aws/inquiry.c")))
    found |= {action for path in (harness.SOURCE / "common/fetch").glob("*.c") for action in
              re.findall(r'ria_sts_begin\(&?\w+, "(\w+)"\)', path.read_text(encoding="utf-8"))}
    return found


def not_named(words, text):
    return sorted(word for word in words if not re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text))


class Form(unittest.TestCase):
    def setUp(self):
        harness.WORK.mkdir(parents=True, exist_ok=True)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="manual-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, self.scratch)

    def faults(self, path):
        """What man(1) and mandoc(1) report about a page. An empty MANROFFSEQ makes man(1) run only the preprocessors
        that the page's first line names."""
        groff = harness.run(["man", "--warnings", "-l", path], env={
            "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANPAGER": "cat", "MANROFFSEQ": ""})
        mandoc = harness.run(["mandoc", "-Tlint", path]).stdout.splitlines()
        return groff.stderr.splitlines() + [line for line in mandoc if not OF_SCDOC.search(line)]

    def test_every_page_is_installed(self):
        self.assertEqual(installed_pages(), set(PAGES))

    def test_the_pages_have_no_fault(self):
        for page in PAGES:
            with self.subTest(page=page):
                self.assertEqual(self.faults(harness.PREFIX / f"share/man/man{page[-1]}" / page), [])

    def test_the_first_line_makes_man_run_tbl(self):
        """groff 1.23 warns if this line is missing; groff 1.22 does not."""
        for page in PAGES:
            text = (harness.PREFIX / f"share/man/man{page[-1]}" / page).read_text(encoding="utf-8")
            self.assertEqual(text.splitlines()[0], "'\\\" t", page)

    def test_control_a_fault_is_found(self):
        text = (harness.PREFIX / "share/man/man1/rds-iam.1").read_text(encoding="utf-8")
        for fault in (".XX unknown\n", ".RE\n.RE\n.RE\n"):
            path = self.scratch / "planted.1"
            path.write_text(text.replace(".SH NAME\n", f".SH NAME\n{fault}"), encoding="utf-8")
            self.assertNotEqual(self.faults(path), [], fault)

    def test_no_word_is_hyphenated(self):
        """A hyphen in an option or a path would become part of what the reader copies."""
        for page in PAGES:
            path = harness.PREFIX / f"share/man/man{page[-1]}" / page
            result = harness.run(["man", "-l", path], env={
                "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "60", "MANPAGER": "cat"})
            self.assertIn("SEE ALSO", result.stdout, result.stderr)
            self.assertNotIn("\N{HYPHEN}\n", result.stdout, page)

    def test_the_pages_have_their_sections(self):
        for page in PAGES:
            names = OF_COMMANDS if page[-1] in "18" else SECTIONS
            self.assertIsNone(order_fault(source(page), names), page)
        self.assertEqual(order_fault(source("rds-iam.1").replace("# FILES", "# FILE"), OF_COMMANDS), "FILES", "control")

    def test_the_references_lead_to_installed_pages(self):
        for page in PAGES:
            self.assertEqual(dead_references(source(page), installed_pages()), [], page)
        self.assertEqual(dead_references("see rds-iam(1), rds-iam.conf(8)", installed_pages()), ["rds-iam.conf(8)"])

    def test_the_files_of_the_product_exist(self):
        """A path that begins with the prefix in the installed page is installed."""
        found = 0
        for page in PAGES:
            text = (harness.PREFIX / f"share/man/man{page[-1]}" / page).read_text(encoding="utf-8")
            text = re.sub(r"\\&|\\fR|\\fI|\\fB", "", text).replace("\\-", "-")
            for path in re.findall(re.escape(str(harness.PREFIX)) + r"[\w./@-]*[\w]", text):
                found += 1
                self.assertTrue(pathlib.Path(path).exists(), (page, path))
        self.assertGreater(found, 8)


class Configuration(unittest.TestCase):
    """rds-iam.conf(5), and the program that reads the file."""

    def setUp(self):
        harness.WORK.mkdir(parents=True, exist_ok=True)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="manual-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, self.scratch)
        self.text = source("rds-iam.conf.5")

    def policy(self, text, host="db.example.com", port="13306", user="jane"):
        """Reads a configuration, and looks the connection up in it. Needs no credentials."""
        path = self.scratch / "config"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return harness.run(
            [harness.installed("bin/rds-iam"), "setup", "policy", "--hostname", host, "--port", port, "--username", user],
            env={"HOME": str(self.scratch), "RDS_IAM_CONFIG": str(path)})

    def keys(self):
        return set(KEY.findall(read("common/config/section.c")))

    def test_the_keys_are_those_of_the_parser(self):
        self.assertGreater(len(self.keys()), 10)
        self.assertEqual(set(documented_keys(self.text)), self.keys())
        planted = set(documented_keys(self.text.replace("*external_id*\n", "*externalid*\n")))
        self.assertEqual(planted ^ self.keys(), {"external_id", "externalid"}, "control")

    def test_each_key_except_four_states_its_default(self):
        for key, text in documented_keys(self.text).items():
            if key not in ("external_id", "session_tags", "transitive_tag_keys", "source_identity"):
                self.assertRegex(text, r"default|By\s+default", key)

    def test_the_parser_accepts_the_documented_values_and_rejects_another(self):
        section = "[db.example.com]\nendpoint = prod.cluster-abc.eu-west-1.rds.amazonaws.com:3306\n"
        tested = 0
        for key, text in documented_keys(self.text).items():
            values = FIXED.findall(text)
            for value in values:
                tested += 1
                self.assertEqual(self.policy(f"{section}{key} = {value}\n").returncode, 0, (key, value))
            if values:
                self.assertEqual(self.policy(f"{section}{key} = planted\n").returncode, 1, key)
        self.assertEqual(tested, 6)

    def test_the_documented_limits_are_those_of_the_parser(self):
        role = "[db.example.com]\nrole_arn = arn:aws:iam::123456789012:role/a\n"
        least, most = re.search(r"(\d+) to (\d+) seconds", documented_keys(self.text)["duration_seconds"]).groups()
        for value, fails in ((int(least) - 1, True), (least, False), (most, False), (int(most) + 1, True)):
            result = self.policy(f"{role}endpoint = a.b.eu-west-1.rds.amazonaws.com:1\nduration_seconds = {value}\n")
            self.assertEqual(result.returncode, int(fails), result.stderr)

    def examples(self):
        return [text for text in LITERAL.findall(self.text) if re.search(r"^\[", text, re.M)]

    def test_the_examples_are_valid_and_their_sections_are_found(self):
        self.assertGreater(len(self.examples()), 5)
        for text in self.examples():
            for user, host, port in re.findall(r"^\[(?:(\w+)@)?([\w.*-]+)(?::(\d+))?\]$", text, re.M):
                with self.subTest(section=f"{user}@{host}:{port}"):
                    result = self.policy(text, host.replace("*", "prod.cluster-abc123"), port or "3306", user or "jane")
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertIn("rds-db:connect", result.stdout)
        self.assertEqual(self.policy("[db.example.com]\nprofil = a\n").returncode, 1, "control")

    def test_the_examples_have_every_key(self):
        used = set(re.findall(r"^([a-z_]+)\s*=", "".join(self.examples()), re.M))
        self.assertEqual(used, self.keys())

    def test_the_forms_of_a_section_are_valid(self):
        endpoint = "endpoint = prod.cluster-abc.eu-west-1.rds.amazonaws.com:3306\n"
        for name, matches in (("db.example.com", True), ("db.example.com:13306", True), ("jane@db.example.com", True),
                              ("jane@db.example.com:13306", True), ("bob@db.example.com", False),
                              ("db.example.com:1", False), ("a@b@db.example.com", False)):
            self.assertEqual(self.policy(f"[{name}]\n{endpoint}").returncode == 0, matches, name)
        self.assertEqual(self.policy(f"[[::1]:13306]\n{endpoint}", "::1").returncode, 0)
        self.assertEqual(self.policy(f"[a@b@db.example.com]\n{endpoint}", user="a@b").returncode, 0)

    def test_the_first_section_wins_and_sections_are_not_merged(self):
        text = ("[jane@db.example.com]\nendpoint = one.abc.eu-west-1.rds.amazonaws.com:1\n"
                "[db.example.com]\nendpoint = two.abc.us-east-1.rds.amazonaws.com:1\nregion = us-east-2\n")
        self.assertIn(":eu-west-1:", self.policy(text).stdout)
        self.assertIn(":us-east-2:", self.policy(text, user="bob").stdout)


class Statements(unittest.TestCase):
    def test_the_commands_and_options_exist(self):
        table = options.table(harness.SOURCE)
        for page in PAGES:
            with self.subTest(page=page):
                text = "\n".join(LITERAL.findall(source(page))) + "\n".join(
                    re.findall(r"\*((?:rds-iam)[^*]*)\*", source(page).replace("\n", " ")))
                self.assertEqual(unknown_options(text, table), [])
        self.assertEqual(unknown_options("rds-iam lint --now\nrds-iam setup oracle\nrds-iam exec --ca F -- x --y\n"
                                         "rds-iam-agent --stop && rds-iam doctor\n", table),
                         ["rds-iam lint --now", "rds-iam setup oracle", "rds-iam-agent --stop", "rds-iam doctor"])

    def test_the_environment_under_exec_is_that_of_the_help_text(self):
        text = options.sections(source("rds-iam.1"))["Changes by rds-iam exec"]
        manual = re.findall(r"^\|  \*([A-Z_]+)\*$", text, re.M)
        self.assertEqual(manual, re.findall(r"^  ([A-Z][A-Z_]+)  ", options.help_text("rds-iam exec"), re.M))
        self.assertGreater(len(manual), 10)

    def test_the_page_of_rds_iam_fetch_names_every_host_and_action(self):
        hosts = fetch_hosts()
        self.assertLessEqual({"sts._REGION_.amazonaws.com", "iam.amazonaws.com", "169.254.169.254", "AssumeRole",
                              "SimulatePrincipalPolicy", "truststore.pki.rds.amazonaws.com"}, hosts)
        text = source("rds-iam-fetch.8")
        self.assertEqual(not_named(hosts, text), [])
        self.assertEqual(not_named(hosts, text.replace("*GetRole*", "")), ["GetRole"], "control")

    def test_the_variables_of_the_environment_are_read(self):
        """Every variable in a list or table of the section ENVIRONMENT occurs in the code, or only a library reads it."""
        code = "".join(path.read_text(encoding="utf-8") for folder in options.FOLDERS
                       for path in (harness.SOURCE / folder).rglob("*.[ch]"))
        others = {"HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "MARIADB_GROUP_SUFFIX", "PGSERVICE"}
        for page in PAGES:
            text = options.sections(source(page)).get("ENVIRONMENT", "")
            names = {name for line in text.splitlines() if re.match(r"(\|  )?\*", line)
                     for name in re.findall(r"\*([A-Z][A-Z0-9_]+)\*", line)}
            self.assertEqual({name for name in names - others if f'"{name}"' not in code}, set(), page)

    def test_the_service_entries_pass_rds_iam_lint(self):
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="manual-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, scratch)
        path = scratch / "pg_service.conf"
        checked = 0
        for page in ("rds-iam-agent.8", "rds-iam-postgresql.7"):
            for text in LITERAL.findall(source(page)):
                if not text.startswith("["):
                    continue
                checked += 1
                for entry, status in ((text, 0), (text.replace("sslmode=verify-full", "sslmode=require"), 1)):
                    path.write_text(entry.replace("/etc/rds-iam/rds-ca.pem", CA), encoding="utf-8")
                    result = harness.run([harness.installed("bin/rds-iam"), "lint"],
                                         env={"HOME": str(scratch), "PGSERVICEFILE": str(path)})
                    self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        self.assertEqual(checked, 2)

    def test_the_option_file_is_that_of_rds_iam_setup_mysql(self):
        text = next(text for text in LITERAL.findall(source("rds-iam-mysql.7")) if text.startswith("["))
        result = harness.run([harness.installed("bin/rds-iam"), "setup", "mysql", "--ssl-ca", "/etc/rds-iam/rds-ca.pem"],
                             env={"HOME": "/nonexistent"})
        pkglibdir = harness.installed("lib*/**/rds-iam/mariadb/mysql_clear_password.so").parent.parent
        self.assertIn(text.replace("@pkglibdir@", str(pkglibdir)), result.stdout)

    def test_rds_iam_fetch_prints_a_hint(self):
        result = harness.run([harness.installed("libexec/rds-iam/rds-iam-fetch")])
        self.assertEqual(result.returncode, 2)
        self.assertIn("see rds-iam credentials --help", result.stderr)


harness.main()
