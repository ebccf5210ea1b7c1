# SPDX-License-Identifier: MIT
"""Names of users, hosts, profiles, role sessions and tags that contain line breaks, separators and control characters.
Such names add no line to a log, no parameter to a token or to a request, and no field to a passfile. Where a name is
accepted, the other side receives exactly this name.

Not here: names in SQL (../tool/test_setup_sql.py), URLs as names (test_urls.py)."""
import re
import shutil
import urllib.parse

import harness
import hostile
from impostors import VERIFIED, peer
from mariadb_client import CONFIG
from service import Services
from whose_files import TOOL, WhoseFilesCase

FORGED = "2026-01-01T00:00:00Z rds-iam[1] psql info: forged"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ rds-iam\[\d+\] ([\w.+-]+) (warning|info|debug): \S.*")
HOST = "mypg.abcdefghijkl.us-east-1.rds.amazonaws.com"
# Names of database users. A service file has one setting on each line, so it can contain only the names without a line
# break.
WITHOUT_BREAKS = (
    "u", "u:*:*:*:other", "u\\", "\\:u\\\\", "u&Action=other&DBUser=admin", "u?DBUser=admin#x", "u%0a%00%26", "%s%n%1$s", "a b",
    "u;X-Amz-Signature", "u'\"`$(id)", "\u00fc\u202eu\u2028v", "u\x1b[2J", "u\x7f\x01", "u\tv", "u=v", "u#v")
WITH_BREAKS = (f"u\n{FORGED}", f"u\r\n{FORGED}", f"u\r{FORGED}", f"u\x0b{FORGED}", "u\n", "\nu")
NO_LINE = "the user name contains a line break, which no passfile can contain; rename the database user"
PARAMETERS = ["Action", "DBUser", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
              "X-Amz-SignedHeaders", "X-Amz-Signature"]


def parse(token):
    """Returns the parameters of a token."""
    return urllib.parse.parse_qs(token.partition("/?")[2], strict_parsing=True, keep_blank_values=True)


class Injection(WhoseFilesCase):
    def setUp(self):
        super().setUp()
        self.log = self.home.path / "log"

    def run_logged(self, argv, principal="etl", **extra):
        self.log.unlink(missing_ok=True)
        result = self.home.run(argv, principal, RDS_IAM_LOG=f"debug:{self.log}", **extra)
        self.assert_log()
        return result

    def assert_log(self):
        """Checks that every line of the log has the form of a log line, and contains no control character."""
        text = self.log.read_bytes().decode() if self.log.exists() else ""
        lines = text.split("\n")
        self.assertEqual(lines.pop(), "")
        for line in lines:
            self.assertRegex(line, LINE)
            self.assertEqual([c for c in line if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u202e"], [], line)
            self.assertFalse(line.startswith(FORGED[:30]), line)
        self.lines = len(lines)

    def assert_token(self, token, user, *more):
        self.assertEqual(sorted(parse(token)), sorted((*PARAMETERS, *more)))
        self.assertEqual(parse(token)["DBUser"], [user])
        self.assertEqual(parse(token)["Action"], ["connect"])

    def token(self, user, host=HOST, port="5432"):
        return self.run_logged([TOOL, "token", "--hostname", host, "--port", port, "--username", user])

    def test_user_names_in_rds_iam_token(self):
        usual = self.token("u")
        lines = self.lines
        self.assertGreater(lines, 3, "control: the log is on")
        self.assert_token(usual.stdout.rstrip("\n"), "u")
        for user in (*WITHOUT_BREAKS, *WITH_BREAKS):
            with self.subTest(user=user):
                result = self.token(user)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertEqual(result.stdout.count("\n"), 1)
                self.assert_token(result.stdout.rstrip("\n"), user)
                self.assertEqual(self.lines, lines)

    def test_user_names_in_the_plugin(self):
        for user in (*WITHOUT_BREAKS, *WITH_BREAKS):
            with self.subTest(user=user), peer(self.lab, "mysql", VERIFIED) as server:
                self.run_logged(self.argv("-P", str(server.port), host=hostile.HOST, user=user)[:1] + [
                    "-h", hostile.HOST, "-P", server.port, f"--user={user}", "-e", "select 1"])
                (is_encrypted, data), = server.answers
                self.assertTrue(is_encrypted)
                self.assert_token(data.rstrip(b"\0").decode(), user)
                self.assertGreater(self.lines, 3)

    def test_user_names_in_the_preload(self):
        for user in (*WITHOUT_BREAKS, *WITH_BREAKS):
            with self.subTest(user=user), peer(self.lab, "postgresql", VERIFIED) as server:
                self.run_logged([TOOL, "exec", "--ca", self.lab.ca_file, "--", "psql", "-XAtw", "-h", HOST, "-p",
                                 str(server.port), "-U", user, "-d", "work", "-c", "select 1"])
                if "\n" in user:  # the preload gives libpq the token in a passfile, which cannot contain this name
                    self.assertEqual([data for _, data in server.answers if data.strip(b"\0")], [])
                    self.assertIn(NO_LINE, self.log.read_text())
                    continue
                (is_encrypted, data), = server.answers
                self.assertTrue(is_encrypted)
                self.assert_token(data.rstrip(b"\0").decode(), user)
                self.assertGreater(self.lines, 3)

    def test_user_names_in_the_agent(self):
        """The client has no credentials, so the token comes from the passfile."""
        for user in WITHOUT_BREAKS:
            with self.subTest(user=user), peer(self.lab, "postgresql", VERIFIED) as server:
                services = Services(self.home)
                services.add("prod", host=HOST, port=server.port, user=user)
                self.log.unlink(missing_ok=True)
                filled = services.fill(RDS_IAM_LOG=f"debug:{self.log}")
                self.assert_log()
                self.assertEqual(filled.returncode, 0, filled.stderr)
                self.assertEqual(services.passfile("prod").read_bytes().count(b"\n"), 1)
                self.home.run(["psql", "-XAtw", "-c", "select 1", "service=prod"], None)
                (is_encrypted, data), = server.answers
                self.assertTrue(is_encrypted)
                self.assert_token(data.rstrip(b"\0").decode(), user)

    def test_names_that_are_not_host_names_are_refused(self):
        """The message is one line."""
        self.assertEqual(self.token("u").returncode, 0, "control")
        for host in (f"{HOST}\n{FORGED}", f"{HOST}\r{FORGED}", f"{HOST}/?DBUser=admin", f"{HOST}?x", f"{HOST}#x", f"{HOST}&x",
                     f"{HOST}\x1b[2J", f"{HOST}:1:*:u", f"{HOST}\\", f"x {HOST}", f"{HOST}%00", f"\u202e{HOST}", f"-{HOST}/"):
            with self.subTest(host=host):
                result = self.token("u", host)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertTrue(result.stderr.startswith("rds-iam: "), result.stderr)
                self.assertEqual(result.stderr.count("\n"), 1)
                self.assertEqual([c for c in result.stderr[:-1] if ord(c) < 32 or c == "\u202e"], [])

    def test_arguments_that_a_command_rejects(self):
        """The message about a hostile argument quotes the argument, in one line without control characters."""
        hostile_text = f"x\x1b[2J\r\x07\u202e\x9by\n{FORGED}"
        agent = harness.installed("bin/rds-iam-agent")
        ca = self.home.path / "ca\x1b[2J\n.pem"
        directory = self.home.path / "d\x1b[2J\ne"
        rows = (
            ([TOOL, hostile_text], 2), ([TOOL, "token", hostile_text], 2), ([TOOL, "token", f"--{hostile_text}"], 2),
            ([TOOL, "token", "-\x1b"], 2), ([TOOL, "token", "--hostname", "h", "--username", "u", "--port", hostile_text], 2),
            ([TOOL, "check", "--hostname", HOST, "--username", "u", "--engine", hostile_text], 2), ([TOOL, "setup", hostile_text], 2),
            ([TOOL, "setup", "mysql", "--program", hostile_text], 2),
            ([TOOL, "setup", "policy", "--hostname", hostile_text, "--username", "u"], 1),
            ([TOOL, "setup", "ca", "--partition", hostile_text], 2), ([TOOL, "setup", "ca", "--file", ca], 1),
            ([TOOL, "credentials", "--profile", hostile_text], 1),
            ([TOOL, "exec", hostile_text], 2), ([TOOL, "exec", "--", hostile_text], 127), ([TOOL, "exec", "--", f"/tmp/{hostile_text}"], 127),
            ([TOOL, "exec", "--ca", ca, "--", "true"], 1),
            ([agent, hostile_text], 2), ([agent, "--status", "--directory", directory], 1), ([agent, "--once", "--directory", directory / "e"], 1))
        for argv, status in rows:
            with self.subTest(argv=argv):
                result = self.home.run(argv, None)
                self.assertEqual((result.returncode, result.stdout), (status, ""), result.stderr)
                self.assertTrue(result.stderr.startswith("rds-iam"), result.stderr)
                self.assertIn("?", result.stderr)
                first, _, rest = result.stderr.partition("\n")
                # After an unknown --program, the names of the programs follow.
                self.assertEqual(bool(rest), "--program" in argv and status == 2, result.stderr)
                self.assertEqual([c for c in first + rest.replace("\n", "") if ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e"], [])

    def test_names_in_the_environment_that_a_command_prints(self):
        """Tests paths and names that a command prints as its result."""
        hostile_text = f"x\x1b[2J\r\x07\u202e\x9by\n{FORGED}"
        directory = self.home.path / hostile_text.replace(":", "")
        directory.mkdir(mode=0o700)
        setup = [TOOL, "setup", "postgres", "--hostname", HOST, "--username", "u", "--dbname", "d"]
        path = f"{directory}:/usr/bin"
        shutil.copy("/usr/bin/mariadb", directory)
        rows = (
            (setup, 1, {"XDG_RUNTIME_DIR": str(directory)}),
            ([TOOL, "setup", "postgres", "--program", "environment"], 1, {"XDG_RUNTIME_DIR": str(directory)}),
            ([TOOL, "lint"], 1, {"PGSERVICEFILE": str(directory / "pg")}),
            ([TOOL, "setup", "mysql", "--client", directory / "x"], 0, {}),
            ([TOOL, "setup", "mysql", "--clients"], 0, {"PATH": path}),
            ([TOOL, "check", "--defaults-group", hostile_text], 1, {}),
            ([TOOL, "check", "--service", hostile_text], 1, {}),
        )
        for argv, status, variables in rows:
            with self.subTest(argv=argv):
                result = self.home.run(argv, None, **variables)
                text = result.stdout + result.stderr
                self.assertEqual(result.returncode, status, text)
                self.assertIn("?[2J", text)
                self.assertEqual([c for c in text if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or c == "\u202e"], [], text)
                self.assertFalse([line for line in text.split("\n") if line.startswith(FORGED[:30])], text)

    def sent(self):
        """Returns the forms that the recorder received."""
        return [urllib.parse.parse_qs(request.split("\n\n", 1)[1].strip(), strict_parsing=True, keep_blank_values=True)
                for request in self.recorder.requests]

    def test_settings_in_a_request_to_sts(self):
        """STS accepts only some characters in these values. rds-iam rejects a value with any other character before it
        sends a request, and the message names the place of the value. rds-iam sends an accepted value as it is."""
        role = "arn:aws:iam::123456789012:role/r"
        usual = {"role_session_name": "me", "external_id": "id", "session_tags": "team=etl"}
        hostile_texts = ("x&Action=GetCallerIdentity", "x&RoleArn=arn:aws:iam::1:role/admin", "x%26a%3Db", "x+y=z@/:,.-", "x y",
                         "x\x1by", "x;y", "x\"y", "\u00e4\u20ac", "x\ty", "x#y")
        seen = {"sent": 0, "refused": 0}
        env = self.cloud_env(AWS_ENDPOINT_URL_STS=self.recorder.url)
        for name in usual:
            for text in ("plain", *hostile_texts):
                value = f"team={text}" if name == "session_tags" else text
                with self.subTest(setting=name, value=value):
                    self.recorder.requests.clear()
                    settings = "".join(f"{key} = {each}\n" for key, each in {**usual, name: value}.items())
                    self.home.write(CONFIG, f"[{HOST}]\nrole_arn = {role}\n{settings}")
                    result = self.run_logged([TOOL, "credentials", "--hostname", HOST, "--port", "5432", "--username", "u"],
                                             "etl-base", **env)
                    self.assertEqual(result.returncode, 1)
                    if not self.recorder.requests:
                        seen["refused"] += 1
                        self.assertNotEqual(text, "plain")
                        self.assertRegex(result.stderr, rf"{CONFIG}:[345]: ")
                        continue
                    seen["sent"] += 1
                    form, = self.sent()
                    self.assertEqual(form["Action"], ["AssumeRole"])
                    self.assertEqual(form["RoleArn"], [role])
                    sent = {"role_session_name": form["RoleSessionName"], "external_id": form["ExternalId"],
                            "session_tags": [f"{key}={each}" for key, each in zip(
                                form["Tags.member.1.Key"], form["Tags.member.1.Value"])]}
                    self.assertEqual(sent[name], [value.strip()])
                    self.assertEqual(sorted(form), sorted((
                        "Action", "Version", "RoleArn", "RoleSessionName", "ExternalId",
                        "Tags.member.1.Key", "Tags.member.1.Value")))
        self.assertTrue(all(seen.values()), seen)

    def test_profiles_in_messages(self):
        for name in (f"p\n{FORGED}", f"p\r{FORGED}", "p\x1b[2J", "p\u202eq", "p%s%n"):
            with self.subTest(profile=name):
                result = self.run_logged([TOOL, "credentials", "--profile", name], None, **self.cloud_env())
                self.assertEqual(result.returncode, 1)
                self.assertEqual(result.stderr.count("\n"), 1)
                self.assertTrue(result.stderr.startswith("rds-iam: "))
                self.assertIn("p", result.stderr)
                self.assertEqual([c for c in result.stderr[:-1] if ord(c) < 32 or c == "\u202e"], [])


if __name__ == "__main__":
    harness.main()
