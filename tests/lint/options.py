# SPDX-License-Identifier: MIT
"""The options of rds-iam and rds-iam-agent, from each place that lists them: the tables in the code, --help, the manual
pages, and the completions, which a real shell prints. A function for a place returns {command: {option: the name of
the option's value, or None}}, without --help. If a command has sub-commands, their names are among its options; they are
the names that do not begin with --."""
import functools
import os
import re

import harness
import shells

FOLDERS = ("common", "mysql_plugin", "pg_plugin")
MANUALS = {"rds-iam": "common/tool/rds-iam.1.scd", "rds-iam-agent": "pg_plugin/agent/rds-iam-agent.8.scd"}
COMPLETIONS = {"rds-iam": "common/tool/completions", "rds-iam-agent": "pg_plugin/agent/completions"}
GROUPS = ("rds-iam", "rds-iam setup")
HELP = "--help"

SYNTAX = re.compile(r'\.usage\s*=\s*"(rds-iam(?:-agent)?(?: [a-z][a-z-]*)*)[ \\]')
OPTION_ROW = re.compile(r'\{"([a-z-]+)",\s*(?:NULL|"([A-Z]+)"),\s*"')
COMMAND_ROW = re.compile(r'\{"([a-z-]+)",\s*"[^"]*",\s*\w+\}')
OPTIONS = re.compile(r"struct ria_option options\[\] = \{\n(.*?)\n\};", re.S)
COMMANDS = re.compile(r"struct ria_command_row \w+\[\] = \{\n(.*?)\n\};", re.S)
HELP_OPTION = re.compile(r"^  (--[a-z-]+)(?: ([A-Z]+))?(?:  |$)", re.M)
HELP_COMMAND = re.compile(r"^  ([a-z][a-z-]*)  ", re.M)
MANUAL_OPTION = re.compile(r"^\*(--[a-z-]+)\*(?: _([A-Z]+)_)?$", re.M)


def table(root):
    """From the C sources."""
    found = {}
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.c")):
        text = path.read_text(encoding="utf-8")
        syntax = SYNTAX.search(text)
        if syntax:
            rows = OPTIONS.search(text)
            found[syntax[1]] = {"--" + name: value or None
                                for name, value in (OPTION_ROW.findall(rows[1]) if rows else ())}
            rows = COMMANDS.search(text)
            found[syntax[1]].update((name, None) for name in (COMMAND_ROW.findall(rows[1]) if rows else ()))
    return found


@functools.cache
def help_text(command):
    program, *words = command.split()
    result = harness.run([harness.installed("bin/" + program), *words, HELP])
    assert result.returncode == 0, result.stderr
    return result.stdout


def from_help(read=help_text):
    """From --help. `read` returns the help text of a command."""
    found = {}
    for command in ("rds-iam", "rds-iam-agent"):
        _add_help(command, read, found)
    return found


def _add_help(command, read, found):
    text = read(command)
    found[command] = {option: value or None for option, value in HELP_OPTION.findall(text) if option != HELP}
    if command in GROUPS:
        names = HELP_COMMAND.findall(text)
        found[command].update((name, None) for name in names)
        for name in names:
            _add_help(f"{command} {name}", read, found)


def sections(text):
    """{heading: the text below it} of a manual page, also for the headings of the second level."""
    parts = re.split(r"^(#{1,2} .*)$", text, flags=re.M)
    return dict(zip((heading.lstrip("# ") for heading in parts[1::2]), parts[2::2]))


def manual(root):
    """From the manual pages. rds-iam(1) has a heading for each command, and the list COMMANDS."""
    found = {}
    for program, name in MANUALS.items():
        parts = sections((root / name).read_text(encoding="utf-8"))
        parts[program] = parts.pop("OPTIONS")
        for command, text in parts.items():
            if command.split()[0] == program:
                options = {option: value or None for option, value in MANUAL_OPTION.findall(text)}
                options.pop(HELP, None)
                found[command] = options
    found["rds-iam"].update((name, None) for name in re.findall(
        r"^\*([a-z-]+)\*$", sections((root / MANUALS["rds-iam"]).read_text(encoding="utf-8"))["COMMANDS"], re.M))
    kinds = re.search(r"The\s+kinds\s+are\s+(.*?)\.\n",
                      sections((root / MANUALS["rds-iam"]).read_text(encoding="utf-8"))["rds-iam setup"], re.S)
    found["rds-iam setup"].update((name, None) for name in re.findall(r"\*([a-z-]+)\*", kinds[1]))
    return found


# -- completions -------------------------------------------------------------------------------------

def environment(home):
    return {"HOME": str(home), "PATH": f"{harness.PREFIX / 'bin'}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


class Fish:
    """The completions for fish, without a terminal: fish's command `complete` completes a line, and lists the
    definitions."""

    def __init__(self, files, home):
        self.files, self.home = files, home

    def run(self, command):
        script = "".join(f"source {file}\n" for file in self.files) + command
        result = harness.run(["fish", "--no-config", "-c", script], env=environment(self.home), cwd=self.home)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    def complete(self, line):
        return [each.split("\t")[0] for each in self.run(f"complete -C '{line}'")], line

    @functools.cached_property
    def definitions(self):
        return [line for program in COMPLETIONS for line in self.run(f"complete -c {program}")]

    def takes_value(self, command, option):
        program, *words = command.split()
        at = f" -n '__rds_iam_at {' '.join(words)}'" if words else ""
        found = [line for line in self.definitions
                 if re.search(rf" {program} -l {option[2:]} ", line) and at in line]
        assert len(found) == 1, (command, option, found)
        return bool(re.match("complete --(?:exclusive|require-parameter|force-files) ", found[0]))

    def close(self):
        pass


class Pty(shells.Shell):
    def takes_value(self, command, option):
        """Whether the option takes a value: if so, the shell offers no other option after it."""
        return not any(word.startswith("--") for word in self.complete(f"{command} {option} --")[0])


def fish_terminal(root, home):
    """Starts an interactive fish, which completes lines as a user's fish does. It also has fish's completions of other
    programs."""
    files = "".join(f"source {root / folder / program}.fish\n" for program, folder in COMPLETIONS.items())
    return shells.Shell(["fish", "--no-config", "-i"], shells.FISH + files, environment(home), home)


def shell(name, root, home, first=""):
    """Starts a shell with the completions below `root`. `first` is a command that bash runs before it reads them."""
    if name == "fish":
        return Fish([root / folder / f"{program}.fish" for program, folder in COMPLETIONS.items()], home)
    if name == "zsh":
        folders = " ".join(str(root / folder) for folder in COMPLETIONS.values())
        return Pty(["zsh", "-f", "-i"], f"fpath=({folders} $fpath)\n{shells.ZSH}", environment(home), home)
    files = "".join(f". {root / folder / program}.bash\n" for program, folder in COMPLETIONS.items())
    return Pty(["bash", "--norc", "--noprofile", "-i"], shells.BASH + first + files, environment(home), home)


def completed(name, root, home, known):
    """From the completions for a shell. `known` is the result of table(), or a part of it. It supplies the commands to
    complete, and the names of the options' values, because completions do not contain these names."""
    found = {}
    asked = shell(name, root, home)
    try:
        for command in known:
            words = asked.complete(command + " --")[0]
            found[command] = {word: _value(asked, command, word, known[command])
                              for word in words if re.fullmatch("--[a-z-]+", word) and word != HELP}
            if command in GROUPS:
                words = asked.complete(command + " ")[0]
                found[command].update((word, None) for word in words if re.fullmatch("[a-z][a-z-]+", word))
            elif not found[command] and HELP not in words and HELP not in asked.complete(command + " --")[1]:
                found[command]["no " + HELP] = None
    finally:
        asked.close()
    return found


def _value(asked, command, option, known):
    # After --version, zsh offers nothing, because this option is used alone.
    if option == "--version" or not asked.takes_value(command, option):
        return None
    return known.get(option) or "A VALUE"


# -- comparison --------------------------------------------------------------------------------------

def differences(first, second):
    """The differences, as sentences: what the second place lacks, what only the second place has, and other values."""
    found = []
    for command in sorted({*first, *second}):
        a, b = first.get(command), second.get(command)
        if a is None or b is None:
            found.append(f"{command}: {'too much' if a is None else 'missing'}")
            continue
        found += [f"{command} {option}: missing" for option in a if option not in b]
        found += [f"{command} {option}: too much" for option in b if option not in a]
        found += [f"{command} {option}: its value is {b[option]}, not {a[option]}"
                  for option in a if option in b and a[option] != b[option]]
    return found
