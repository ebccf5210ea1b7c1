# SPDX-License-Identifier: MIT
"""The tables of the code, --help, the manual pages, and the completions for bash, zsh and fish have the same options. A
difference that is planted in one of these places is found."""
import pathlib
import shlex
import shutil
import tempfile
import unittest

import harness
import options

COLUMNS = 80
SHELLS = ("bash", "zsh", "fish")
# For each file: a text with the option --json, and a text without this option that replaces the first text in a copy of
# the tree.
PLANTED = {
    "common/tool/completions/rds-iam.bash": (" --json --help", " --help"),
    "common/tool/completions/_rds-iam": ("            '--aws[also ask AWS]' \\\n            '--json[print one JSON object]'\n",
                                         "            '--aws[also ask AWS]'\n"),
    "common/tool/completions/rds-iam.fish": ("complete -c rds-iam -n $at -l json -d 'Print one JSON object'\n", ""),
}


class OptionsCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.WORK.mkdir(parents=True, exist_ok=True)
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="options-", dir=harness.WORK))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.table = options.table(harness.SOURCE)

    def copy(self, changes):
        """A copy of the sources with these changes: {file: (old text, new text)}."""
        root = self.scratch / f"copy-{len(list(self.scratch.iterdir()))}"
        for folder in options.FOLDERS:
            shutil.copytree(harness.SOURCE / folder, root / folder)
        for name, (old, new) in changes.items():
            text = (root / name).read_text(encoding="utf-8")
            self.assertEqual(text.count(old), 1, (name, old))
            (root / name).write_text(text.replace(old, new), encoding="utf-8")
        return root


class Places(OptionsCase):
    def test_the_table_has_every_command(self):
        self.assertEqual(set(self.table), {
            "rds-iam-agent", "rds-iam", *(f"rds-iam {name}" for name in self.table["rds-iam"] if name[0] != "-"),
            *(f"rds-iam setup {name}" for name in self.table["rds-iam setup"])})
        self.assertEqual(self.table["rds-iam exec"], {"--ca": "FILE"})
        self.assertEqual(self.table["rds-iam lint"], {})
        self.assertIsNone(self.table["rds-iam check"]["--json"])

    def test_the_help_texts_have_the_options_of_the_table(self):
        self.assertEqual(options.differences(self.table, options.from_help()), [])

    def test_the_manual_pages_have_the_options_of_the_table(self):
        self.assertEqual(options.differences(self.table, options.manual(harness.SOURCE)), [])

    def test_the_completions_have_the_options_of_the_table(self):
        for name in SHELLS:
            with self.subTest(shell=name):
                found = options.completed(name, harness.SOURCE, self.scratch, self.table)
                self.assertEqual(options.differences(self.table, found), [])

    def test_no_line_of_a_help_text_is_too_long(self):
        for command in self.table:
            with self.subTest(command=command):
                self.assertEqual([line for line in options.help_text(command).splitlines() if len(line) > COLUMNS], [])

    def test_each_command_has_help(self):
        for command in self.table:
            self.assertIn("  --help", options.help_text(command), command)

    def test_the_completions_for_bash_pass_shellcheck(self):
        for program, folder in options.COMPLETIONS.items():
            result = harness.run(["shellcheck", "-s", "bash", harness.SOURCE / folder / f"{program}.bash"])
            self.assertEqual(result.returncode, 0, result.stdout)


class Planted(OptionsCase):
    def test_a_change_of_a_table_is_found(self):
        for old, new, expected in (
                ('{"json", NULL,', '{"jsonl", NULL,', ["rds-iam check --jsonl: missing", "rds-iam check --json: too much"]),
                ('{"engine",\n     "ENGINE",', '{"engine",\n     "NAME",',
                 ["rds-iam check --engine: its value is ENGINE, not NAME"])):
            table = options.table(self.copy({"common/check/command.c": (old, new)}))
            self.assertEqual(options.differences(table, options.from_help()), expected)
            self.assertEqual(options.differences(table, options.manual(harness.SOURCE)), expected)

    def test_a_change_of_a_help_text_is_found(self):
        def read(command):
            return options.help_text(command).replace("  --json  ", "  --quiet ")

        self.assertEqual(options.differences(self.table, options.from_help(read)),
                         ["rds-iam check --json: missing", "rds-iam check --quiet: too much"])

    def test_a_change_of_a_manual_page_is_found(self):
        rows = (
            ("common/tool/rds-iam.1.scd", "*--json*\n", "*--jsonl*\n",
             ["rds-iam check --json: missing", "rds-iam check --jsonl: too much"]),
            ("common/tool/rds-iam.1.scd", "*--partition* _NAME_\n", "*--partition*\n",
             ["rds-iam setup ca --partition: its value is None, not NAME"]),
            ("common/tool/rds-iam.1.scd", "## rds-iam token\n", "## rds-iam tokens\n",
             ["rds-iam token: missing", "rds-iam tokens: too much"]),
            ("pg_plugin/agent/rds-iam-agent.8.scd", "*--once*\n", "*once*\n", ["rds-iam-agent --once: missing"]),
        )
        for name, old, new, expected in rows:
            with self.subTest(page=name, removed=old):
                root = self.copy({name: (old, new)})
                self.assertEqual(options.differences(self.table, options.manual(root)), expected)

    def test_a_change_of_a_completion_is_found(self):
        root = self.copy(PLANTED)
        known = {command: self.table[command] for command in ("rds-iam check", "rds-iam token")}
        for name in SHELLS:
            with self.subTest(shell=name):
                self.assertEqual(options.differences(known, options.completed(name, root, self.scratch, known)),
                                 ["rds-iam check --json: missing"])


class Completion(OptionsCase):
    """What a user types, and the line to which each shell completes it."""

    def test_the_line_is_completed(self):
        for name in SHELLS[:2]:
            asked = options.shell(name, harness.SOURCE, self.scratch)
            self.addCleanup(asked.close)
            for line, expected in (
                    ("rds-iam che", "rds-iam check"),
                    ("rds-iam check --ho", "rds-iam check --hostname"),
                    ("rds-iam setup tru", "rds-iam setup trust-policy"),
                    ("rds-iam setup mysql --program My", "rds-iam setup mysql --program MySQLdb"),
                    ("rds-iam setup sql --engine=po", "rds-iam setup sql --engine=postgres"),
                    ("rds-iam setup mysql --program DBD::my", "rds-iam setup mysql --program DBD::mysql"),
                    ("rds-iam exec -- shellchec", "rds-iam exec -- shellcheck"),
                    ("rds-iam-agent --fo", "rds-iam-agent --foreground")):
                with self.subTest(shell=name, line=line):
                    self.assertEqual(asked.complete(line)[1].rstrip("="), expected)

    def test_the_arguments_of_the_command_under_exec_are_completed(self):
        package = ". /usr/share/bash-completion/bash_completion\n"
        for name in SHELLS[:2]:
            asked = options.shell(name, harness.SOURCE, self.scratch, package)
            self.addCleanup(asked.close)
            for line, expected in (("rds-iam exec -- ls --almo", "rds-iam exec -- ls --almost-all"),
                                   ("rds-iam exec --ca /dev/null -- ls --almo",
                                    "rds-iam exec --ca /dev/null -- ls --almost-all")):
                with self.subTest(shell=name, line=line):
                    self.assertEqual(asked.complete(line)[1], expected)

    def test_the_words_are_offered(self):
        (self.scratch / ".aws").mkdir()
        (self.scratch / ".aws/config").write_text("[default]\n[profile etl]\n[sso-session s]\n", encoding="utf-8")
        (self.scratch / ".pg_service.conf").write_text("[prod]\nhost=a\n[test]\n", encoding="utf-8")
        rows = (
            ("rds-iam setup ", {"ca", "mysql", "policy", "postgres", "sql", "trust-policy"}),
            ("rds-iam setup mysql --program ", {"MySQLdb", "mysql2", "postfix", "docker"}),
            ("rds-iam setup postgres --program ", {"psycopg", "Rails", "kubernetes"}),
            ("rds-iam setup sql --engine ", {"postgres", "mysql", "mariadb"}),
            ("rds-iam check --engine ", {"postgres", "mysql"}),
            ("rds-iam setup ca --partition ", {"aws", "aws-us-gov", "aws-cn"}),
            ("rds-iam check --service ", {"prod", "test"}),
            ("rds-iam token --profile ", {"default", "etl"}),
        )
        for name in SHELLS:
            asked = options.shell(name, harness.SOURCE, self.scratch)
            self.addCleanup(asked.close)
            for line, expected in rows:
                with self.subTest(shell=name, line=line):
                    self.assertLessEqual(expected - set(line.split()), set(asked.complete(line)[0]))
            with self.subTest(shell=name):
                self.assertEqual(asked.complete("rds-iam token --hostname ")[0], [], "the values of --hostname are not known")

    def test_the_arguments_of_the_command_under_exec_are_completed_in_fish(self):
        asked = options.fish_terminal(harness.SOURCE, self.scratch)
        self.addCleanup(asked.close)
        for line, expected in (("rds-iam exec -- ls --almo", "rds-iam exec -- ls --almost-all"),
                               ("rds-iam exec --ca /dev/null -- ls --almo", "rds-iam exec --ca /dev/null -- ls --almost-all"),
                               ("rds-iam exec --ca=/dev/null -- ls 'a b' --almo",
                                "rds-iam exec --ca=/dev/null -- ls 'a b' --almost-all"),
                               ("rds-iam exec -- shellchec", "rds-iam exec -- shellcheck")):
            with self.subTest(line=line):
                self.assertEqual(asked.complete_line(line).rstrip(" "), expected)

    def test_no_command_is_offered_where_none_is_run(self):
        for name in SHELLS:
            asked = options.fish_terminal(harness.SOURCE, self.scratch) if name == "fish" else options.shell(
                name, harness.SOURCE, self.scratch)
            self.addCleanup(asked.close)
            self.assertEqual(asked.complete_line("rds-iam exec -- shellchec").rstrip(" "), "rds-iam exec -- shellcheck", "control")
            for line in ("rds-iam token -- shellchec", "rds-iam -- shellchec", "rds-iam setup mysql -- shellchec",
                         "rds-iam setup -- shellchec", "rds-iam lint -- shellchec"):
                with self.subTest(shell=name, line=line):
                    self.assertEqual(asked.complete_line(line), line)


class Names(OptionsCase):
    """Names in the user's files are never executed. A shell reads a completed name as one word, and this word is the
    name."""

    # Each row: the beginning that is typed, and the name.
    PLANTED = (
        ("aa", "aa$(touch canary)"), ("ab", "ab`touch canary`"), ("ac", "ac;touch canary"), ("ad", "ad'q"), ("ae", 'ae"q'),
        ("af", "af*"), ("ag", "ag\ttab"), ("ah", "ah${HOME}"), ("ai", "ai>canary"), ("aj", "aj&&touch canary"),
        ("ak", "ak|touch canary"), ("al", "al\\"), ("am", "am$HOME"), ("an", "an$'x'"), ("ao", "ao!!"), ("ap", "ap(touch canary)"),
        ("aq", "aq\x1b[2J"))
    PLAIN = (("ba", "ba"), ("bb", "bb-c.d_e"), ("bc", "bc d"), ("bd", "bd:e:f"), ("be", "be f g"), ("bf", "bf:g h"))
    # In the words that are typed here, a quote is open or a character is special. A completion closes the quote.
    OPEN = (("'bc", "bc d"), ('"bc', "bc d"), ("bc\\ ", "bc d"), ("'be f", "be f g"), ("bd:", "bd:e:f"))

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        (self.home / ".aws").mkdir()
        names = [name for _, name in (*self.PLANTED, *self.PLAIN)]
        (self.home / ".pg_service.conf").write_text("".join(f"[{name}]\nhost=a\n" for name in names), encoding="utf-8")
        (self.home / ".aws/credentials").write_text("".join(f"[{name}]\n" for name in names), encoding="utf-8")
        (self.home / ".aws/config").write_text(
            "[default]\n[profile ca]\n[profile \"cb d\"]\n[profile 'cc d']\n[ profile  cd ]\n[sso-session xw]\n"
            "[profile cf g]\n[profile \"cg'h\"]\n", encoding="utf-8")

    def shell(self, name):
        asked = (options.fish_terminal(harness.SOURCE, self.home) if name == "fish"
                 else options.shell(name, harness.SOURCE, self.home))
        self.addCleanup(asked.close)
        return asked

    def words(self, line):
        try:
            return shlex.split(line)
        except ValueError as error:
            return [str(error)]

    def test_a_name_is_data(self):
        for shell in SHELLS:
            asked = self.shell(shell)
            for before in ("rds-iam check --service ", "rds-iam check --service=", "rds-iam credentials --profile "):
                for typed, name in self.PLANTED:
                    with self.subTest(shell=shell, before=before, name=name):
                        line = asked.complete_line(before + typed)
                        offered = self.words(line)[-1].removeprefix("--service=")
                        if not {"$'", "\\e", "\\t"} & {line[at:at + 2] for at in range(len(line))}:  # forms that shlex lacks
                            self.assertIn(offered, (typed, name), line)
                        asked.press_enter()
                        self.assertEqual(sorted(path.name for path in self.home.glob("can*")), [], line)
            with self.subTest(shell=shell):
                asked.complete_line("rds-iam lint ;touch canary")
                asked.press_enter()
                self.assertTrue((self.home / "canary").exists(), "control: a line that is not quoted is executed")
                (self.home / "canary").unlink()

    def test_the_name_of_a_file_is_data(self):
        for begin, name in (("fa", "fa$(touch canary)"), ("fb", "fb`touch canary`"), ("fc", "fc;touch canary"), ("fd", "fd e")):
            (self.home / name).mkdir()
            for shell in SHELLS:
                asked = self.shell(shell)
                for before in ("rds-iam lint --help --ca ", "rds-iam exec --ca ", "rds-iam check --ca=", "rds-iam-agent --status --directory "):
                    with self.subTest(shell=shell, before=before, name=name):
                        line = asked.complete_line(before + begin)
                        if "lint" not in before:
                            self.assertEqual(self.words(line)[-1].removeprefix("--ca=").rstrip("/"), name, line)
                        asked.press_enter()
                        self.assertEqual(sorted(path.name for path in self.home.glob("can*")), [], line)

    def test_a_plain_name_is_offered_as_one_word(self):
        for shell in SHELLS:
            asked = self.shell(shell)
            for before in ("rds-iam check --service ", "rds-iam check --service=", "rds-iam token --profile "):
                for typed, name in (*self.PLAIN, *self.OPEN):
                    with self.subTest(shell=shell, before=before, typed=typed):
                        line = asked.complete_line(before + typed)
                        self.assertEqual(self.words(line)[-1].removeprefix("--service="), name, line)

    def test_quoted_profiles_are_offered(self):
        for shell in SHELLS:
            asked = self.shell(shell)
            for typed, name in (("ca", "ca"), ("cb", "cb d"), ("cc", "cc d"), ("cd", "cd"), ("xw", "xw"), ("cf", "cf"),
                                ("def", "default")):
                with self.subTest(shell=shell, typed=typed):
                    line = asked.complete_line("rds-iam token --profile " + typed)
                    self.assertEqual(self.words(line)[-1], name, line)


harness.main()
