# SPDX-License-Identifier: MIT
"""Every function that begins a connection, with the preload and Debian's libpq. There are three copies of libpq: the
usual one, the private copy of a module, and one that is bound to itself (as with -Bsymbolic). For each copy, a program
is linked with the functions, or looks them up. In tests of many cases, tokens live for two seconds. tests/long tests
other versions of libpq."""
import itertools
import tempfile

from labcase import USER, LabCase, harness
import ways
from ways import CONNECTS, RESETS, SERVICE_FORMS, Case

FORMS = (*SERVICE_FORMS, "fields", "multi_host", "hostaddr")


class WaysCase(LabCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        harness.WORK.mkdir(parents=True, exist_ok=True)
        cls.copies = ways.Copies(ways.debian_libpq(), tempfile.mkdtemp(prefix="libpq-", dir=harness.WORK))
        cls.addClassCleanup(cls.copies.remove)

    def assert_in(self, results):
        self.assertEqual([(str(c), text) for c, text in results if text != f"ok {USER}"], [])

    def connect(self, cases, env):
        return ways.run_connects(cases, self.copies, self.home, self.lab, env)

    def reset(self, cases, env):
        return ways.run_resets(cases, self.copies, self.home, self.lab, env)

    def assert_logins(self, count):
        """Checks the number of accepted logins. The server may refuse a login whose token expired before
        the server received it (ways.py)."""
        reasons = [v["reason"] for v in self.verdicts()]
        self.assertEqual(reasons.count(None), count)
        self.assertLessEqual(set(reasons), {None, "Expired"}, "see ways.py")


class Ways(WaysCase):
    def test_each_function_with_each_form_of_connection_string(self):
        cases = [Case(reach, way, form) for reach in ("linked", "dlsym") for way in CONNECTS for form in FORMS]
        self.lab.token_life(ways.TOKEN_LIFE)
        self.assert_in(self.connect(cases, ways.with_preload()))
        self.assert_logins(len(cases))

    def test_each_copy_with_each_form_of_connection_string(self):
        cases = [Case(reach, way, form) for reach in ways.REACHES if reach not in ("linked", "dlsym")
                 for form in FORMS for way in ("connectdb", "startparams")]
        self.lab.token_life(ways.TOKEN_LIFE)
        self.assert_in(self.connect(cases, ways.with_preload()))
        self.assert_logins(len(cases))

    def test_control_without_the_preload_libpq_has_no_password(self):
        cases = [Case(reach, "connectdb", form) for reach in ways.REACHES for form in FORMS]
        for case, text in self.connect(cases, {}):
            with self.subTest(case=str(case)):
                self.assertIn("no password supplied", text)
        self.assert_nothing_sent()

    def test_pqsetdblogin_gets_a_token(self):
        pg = self.lab.pg
        for lookup in ("linked", "dlsym"):
            result = self.home.run(
                [ways.PROGRAMS / "ways", lookup, "login", "-", pg.host, pg.port, self.lab.database_name, USER],
                **ways.with_preload(PGSSLMODE="verify-full", PGSSLROOTCERT=str(self.lab.ca_file)))
            self.assertEqual(result.stdout, f"ok {USER}\n", result.stderr)
        self.assert_accepted(2)

    def test_pings_make_no_token(self):
        cases = [Case(reach, way, "fields") for reach in ("linked", "dlsym") for way in ("ping", "pingparams")]
        for case, text in self.connect(cases, ways.with_preload(RDS_IAM_LOG="1")):
            with self.subTest(case=str(case)):
                self.assertEqual(text, "ping 0")
        (_, text), = self.connect([Case("linked", "connectdb", "fields")], ways.with_preload(RDS_IAM_LOG="1"))
        self.assertIn("signed for", text, "control: a login logs that a token was signed")

    def test_a_text_that_is_not_a_connection_string_is_left_to_libpq(self):
        for way, result in (("connectdb", 'missing "=" after "shop"'), ("ping", "ping 3")):
            for env in ({}, ways.with_preload()):
                with self.subTest(way=way, env=env):
                    case = Case("linked", way, "fields")
                    self.assertIn(result, ways.Run(case, self.copies, self.home, ("shop", {}), env).end())
        self.assert_nothing_sent()


class Expired(WaysCase):
    """The program gives an expired token as the password."""

    def setUp(self):
        super().setUp()
        self.token = self.lab.token("etl", self.lab.pg, USER, at=1000000)
        self.conninfo = ways.forms(self.home, self.lab)["fields"][0]

    def run_ways(self, conninfo, env):
        for case in [Case(reach, way, "fields") for reach in ("linked", "dlsym") for way in CONNECTS]:
            yield str(case), ways.Run(case, self.copies, self.home, (conninfo, {}), env).end()

    def test_in_the_environment(self):
        for way, text in self.run_ways(self.conninfo, ways.with_preload(PGPASSWORD=self.token)):
            self.assertEqual((way, text), (way, f"ok {USER}"))

    def test_in_the_connection_string(self):
        conninfo = f"{self.conninfo} password='{self.token}'"
        for way, text in self.run_ways(conninfo, ways.with_preload()):
            self.assertEqual((way, text), (way, f"ok {USER}"))

    def test_control_without_the_preload_the_expired_token_is_sent(self):
        for _, text in self.run_ways(self.conninfo, {"PGPASSWORD": self.token}):
            self.assertIn("PAM authentication failed", text)
        self.assert_refused("Expired")

    def test_a_replaced_token_leaves_all_other_settings(self):
        """Checks two settings that are visible from outside: target_session_attrs and application_name."""
        conninfo = f"{self.conninfo} target_session_attrs=read-only"
        for way, text in self.run_ways(conninfo, ways.with_preload(PGPASSWORD=self.token)):
            self.assertIn("session is not read-only", text, way)
        for way, text in self.run_ways(self.conninfo, ways.with_preload(
                PGPASSWORD=self.token, PGTARGETSESSIONATTRS="read-only")):
            self.assertIn("session is not read-only", text, way)
        script = "import psycopg2; c = psycopg2.connect(''); print(c.get_dsn_parameters()['application_name'])"
        pg = self.lab.pg
        result = self.home.run(["/usr/bin/python3", "-c", script], **ways.with_preload(
            PGHOST=pg.host, PGPORT=str(pg.port), PGUSER=USER, PGDATABASE=self.lab.database_name,
            PGSSLMODE="verify-full", PGSSLROOTCERT=str(self.lab.ca_file), PGPASSWORD=self.token, PGAPPNAME="a 'b\\ c"))
        self.assertEqual(result.stdout, "a 'b\\ c\n", result.stderr)

    def test_an_empty_setting_stays_empty(self):
        """The value in the environment would make the connection fail."""
        env = ways.with_preload(PGPASSWORD=self.token, PGOPTIONS="-c no_such_setting=1")
        for way, text in self.run_ways(f"{self.conninfo} options=''", env):
            self.assertEqual((way, text), (way, f"ok {USER}"))
        for way, text in self.run_ways(self.conninfo, env):
            self.assertIn('unrecognized configuration parameter "no_such_setting"', text, f"control: {way}")


class Resets(WaysCase):
    def test_resets_after_the_token_has_expired(self):
        cases = [Case(reach, way, form) for reach in ("linked", "dlsym") for way in RESETS for form in FORMS]
        cases += [Case(reach, way, form) for reach in ways.REACHES if reach not in ("linked", "dlsym")
                  for way in RESETS for form in ("entry", "fields", "multi_host")]
        self.lab.token_life(ways.TOKEN_LIFE)
        self.assert_in(self.reset(cases, ways.with_preload()))
        self.assertGreaterEqual([v["reason"] for v in self.verdicts()].count(None), 2 * len(cases))

    def test_control_without_the_preload_a_reset_sends_the_old_token(self):
        self.lab.token_life(ways.TOKEN_LIFE)
        token = self.lab.token("etl", self.lab.pg, USER)
        for case, text in self.reset(
                [Case(reach, way, "fields") for reach in ways.REACHES for way in RESETS], {"PGPASSWORD": token}):
            with self.subTest(case=str(case)):
                self.assertIn("PAM authentication failed", text)
        self.assert_refused("Expired")

    def test_a_longer_token_replaces_a_shorter_one(self):
        """A token can get longer if the session's credentials are renewed between connection and reset."""
        credentials = self.home.write(".aws/credentials", self.profile("etl-short-session"))
        run = ways.Run(Case("linked", "reset", "fields"), self.copies, self.home,
                       ways.forms(self.home, self.lab)["fields"], ways.with_preload(), principal=None)
        self.assertEqual(run.await_connected(), "connected\n")
        renewed = self.lab.principals["etl-renewed"]
        self.assertGreater(len(renewed.session_token), 64)
        credentials.write_text(self.profile("etl-renewed"), encoding="utf-8")
        self.lab.expire_tokens()
        self.assertEqual(run.end(), f"ok {USER}")
        first, second = (v["token_length"] for v in self.verdicts())
        self.assertGreater(second, first)

    def test_a_reset_whose_token_does_not_fit_is_reported(self):
        credentials = self.home.write(".aws/credentials", self.profile("etl-short-session"))
        run = ways.Run(Case("linked", "reset", "fields"), self.copies, self.home,
                       ways.forms(self.home, self.lab)["fields"], ways.with_preload(), principal=None)
        self.assertEqual(run.await_connected(), "connected\n")
        credentials.write_text(self.profile("etl-session"), encoding="utf-8")
        self.lab.expire_tokens()
        text = run.end()
        self.assertIn("the fresh token is longer than the one that the connection stores", text)
        self.assertIn("PAM authentication failed", text)

    def profile(self, name):
        principal = self.lab.principals[name]
        text = (f"[default]\naws_access_key_id = {principal.access_key}\n"
                f"aws_secret_access_key = {principal.secret_key}\n")
        return text + (f"aws_session_token = {principal.session_token}\n" if principal.session_token else "")


class Together(WaysCase):
    """Several copies of libpq, and several threads, in one process."""

    def environment(self):
        pg = self.lab.pg
        return ways.with_preload(
            PGHOST=pg.host, PGPORT=str(pg.port), PGUSER=USER, PGDATABASE=self.lab.database_name,
            PGSSLMODE="verify-full", PGSSLROOTCERT=str(self.lab.ca_file))

    def test_two_copies_take_turns(self):
        """psycopg looks up libpq's functions. psycopg2 is linked with libpq."""
        for lookup, driver in itertools.product(("linked", "dlsym"), ("psycopg2", "psycopg")):
            with self.subTest(module=lookup, driver=driver):
                result = self.home.run(
                    ["/usr/bin/python3", "-c", ways.TWO_COPIES, self.copies.module, lookup, driver],
                    **self.environment())
                self.assertEqual(result.stdout.split("\n")[:4], [f"ok {USER}"] * 4, result.stderr)
                self.assertIn("libpq.so.9", result.stdout)
                self.assertIn("libpq.so.5", result.stdout)
        self.assert_accepted(16)

    def test_sixteen_threads(self):
        result = self.home.run(["/usr/bin/python3", "-c", ways.THREADS], **self.environment())
        self.assertEqual(result.stdout, f"{USER}\n" * 16, result.stderr)
        self.assert_accepted(16)


class Memory(WaysCase):
    """valgrind reports no error and no leak. Nothing is suppressed, not even reports about libpq itself."""

    OPTIONS = ("-q", "--vgdb=no", "--leak-check=full", "--keep-debuginfo=yes", "--error-exitcode=99")

    def test_logins_and_resets(self):
        old = self.lab.token("etl", self.lab.pg, USER, at=1000000)
        all_forms = ways.forms(self.home, self.lab)
        for lookup, way, form, extra in (
                ("linked", "connectdb", "entry", {}), ("linked", "params", "multi_host", {"PGPASSWORD": old}),
                ("linked", "setdb", "fields", {}), ("linked", "resetstart", "fields", {}),
                ("dlsym", "resetstart", "fields", {})):
            with self.subTest(lookup=lookup, way=way, form=form):
                conninfo, named = all_forms[form]
                result = self.home.run(
                    ["valgrind", *self.OPTIONS, ways.PROGRAMS / "ways", lookup, way, conninfo], stdin="\n",
                    timeout=120, **named, **ways.with_preload(**extra))
                self.assertEqual(result.stdout.splitlines()[-1], f"ok {USER}", result.stderr)
                self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_control_a_leak_is_found(self):
        program = self.home.path / "leaks"
        text = "#include <stdlib.h>\nint main(void) { volatile char *p = malloc(9); p[0] = 1; p = NULL; return 0; }\n"
        self.assertEqual(harness.run(["gcc", "-O0", "-x", "c", "-", "-o", program], stdin=text).returncode, 0)
        result = self.home.run(["valgrind", *self.OPTIONS, program], **ways.with_preload())
        self.assertEqual(result.returncode, 99, result.stderr)
        self.assertIn("definitely lost", result.stderr)


class Exceptions(WaysCase):
    """Programs that the preload does not reach."""

    def test_a_module_that_is_loaded_with_deepbind(self):
        # Uses an address, because the lab's name resolution is a preload, too.
        form = ways.forms(self.home, self.lab)["hostaddr"]
        case = Case("private", "connectdb", "hostaddr")
        run = ways.Run(case, self.copies, self.home, form, ways.with_preload(), deep=True)
        self.assertIn("no password supplied", run.end())
        self.assert_nothing_sent()
        run = ways.Run(case, self.copies, self.home, form, ways.with_preload())
        self.assertEqual(run.end(), f"ok {USER}", "control: without RTLD_DEEPBIND the preload works")

    def test_a_static_program(self):
        ways.forms(self.home, self.lab)
        passfile = self.home.path / "rds-iam" / "run" / "prod"
        for program, expected in (("first_line", r"^[0-9]{3,}$"), ("first_line_static", "^No such file")):
            with self.subTest(program=program):
                result = self.home.run([ways.PROGRAMS / program, passfile], **ways.with_preload())
                self.assertRegex(result.stdout.strip(), expected)


if __name__ == "__main__":
    harness.main()
