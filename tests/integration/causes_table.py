# SPDX-License-Identifier: MIT
"""The table of causes in common/check/CAUSES.md: what the client printed and what `rds-iam check` named, for each
cause.

tool/test_check_causes.py makes each cause in the lab, and compares the lines of the file with what it saw. With
--write, it writes the file. Ports, addresses and paths of the lab are replaced by the usual ones. cause_rows.py defines
how each cause is made.
"""
import re

import harness
from labcase import USER

PATH = harness.SOURCE / "common/check/CAUSES.md"
PORTS = {"postgres": 5432, "mysql": 3306}
PROGRAMS = {"postgres": "psql", "mysql": "mariadb"}
COLUMNS = "| cause | what the client printed | what `rds-iam check` says | exit status |"
NAMES = "Causes that look alike"
INTRODUCTION = """\
# The causes of a refused login

If you know only the client's error, search this page for the error. The second column contains what `psql` and `mariadb`
print, with HOST and USER in place of the real names. Other programs print the same texts, because the texts come from
the client libraries. The third column contains the cause that `rds-iam check` names. If a row has several causes, they
look alike from the client. In this case `rds-iam check` prints all of them, each with a command that shows whether it is
the true cause. With `--aws`, `rds-iam check` asks AWS and puts the true cause first. The last section explains the
names of the causes. In the texts of `rds-iam check`, "above" means the earlier lines of its output.

The test `tests/integration/tool/test_check_causes.py` produces each of these causes with real clients and servers. The
test fails if their output differs from this page. Do not edit this page. To write this page again, run:

    tests/python tests/integration/tool/test_check_causes.py --write

The servers of this test listen on unusual ports of this machine, as a tunnel does. So in the tables below,
`signed-port` is the first cause even for a host that has no section in rds-iam's configuration. If the server has
another address, `rds-iam check` names this cause last. If the port is 5432 or 3306, it names this cause for such a host
only if AWS reports another port (`--aws`).

The page was written with {versions}. Other versions word some errors differently.
Errors that only AWS's own servers send, such as those of RDS Proxy, come from a scripted server in the test.
"""


def plain(text, login, case):
    """Replaces what differs from run to run (ports, times), and the names, paths and addresses of the lab."""
    cloud = {case.lab.cloud_https: "https://sts.us-east-1.amazonaws.com", case.lab.cloud_http: "http://169.254.169.254"}
    words = {
        str(case.home.path / "runtime/rds-iam/run"): "/run/user/1000/rds-iam/run", str(case.home.path): "~",
        str(case.lab.ca_file): "/path/to/global-bundle.pem", **cloud,
        **{url.split("//")[1]: name.split("//")[1] for url, name in cloud.items()},
        str(harness.PREFIX.resolve()): "/usr", str(harness.PREFIX): "/usr", login.user or USER: "USER", USER: "USER"}
    for word, usual in words.items():
        text = text.replace(word, usual)
    for port in (login.port, *case.ports):
        text = re.sub(rf"\b{port}\b", str(PORTS[login.engine]), text)
    text = re.sub(r"(signed for port |\[\S+:)(5432|3306)(, which|\], then endpoint=)", r"\g<1>1\2\3", text)
    for pattern, usual in (
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"), (r"/usr/lib/[a-z0-9_]+-linux-gnu\w*/rds-iam", "/usr/lib/rds-iam"),
            (r"/usr/share/systemd/user/", ""),  # below /usr, the units are found by their names
            (r"arn:aws:(iam|sts)::\d{12}:(user|assumed-role)/[\w/-]+", "IDENTITY"),
            (r"arn:aws:iam::\d{12}:role/[\w/-]+", "ROLE_ARN"),
            (r"(?<=arn:aws:rds-db:us-east-1:)\d{12}", "ACCOUNT"), (r"\bAKIA\w{16}\b", "ACCESS_KEY_ID"),
            (r"and \d+ other names", "and N other names"), (r"[\w.-]+\.rds\.amazonaws\.com", "HOST")):
        text = re.sub(pattern, usual, text)
    return text.strip()


def code(text):
    """Returns a text as code in a cell of a table."""
    return "`" + text.replace("|", "\\|").replace("`", "'") + "`"


def escape(text):
    return re.sub(r"([|<>*])", r"\\\1", text)


def remedy_text(remedy):
    """Returns a remedy as a sentence, or as code if it is a command or a message."""
    return escape(remedy) if re.fullmatch(r"[A-Z][^:]*\.", remedy) else code(remedy)


class Seen:
    """What one run of a row showed. `client` contains the lines that the client printed, or "logs in" if it logged in.
    It is None if no client was run."""

    def __init__(self, engine, login, output, client, with_aws, case):
        def clean(text):
            return plain(text, login, case)

        self.engine = engine
        self.status = output.status
        self.causes = [(each["cause"], clean(each["text"]), clean(each["remedy"])) for each in output.document["causes"]]
        self.with_aws = with_aws and with_aws.causes
        self.client = None
        if client is not None:
            lines = [clean(line) for line in client.stderr.splitlines() if line.strip()]
            self.client = lines if client.status != 0 else ["logs in"]

    def client_cell(self):
        if self.client == ["logs in"]:
            return f"{PROGRAMS[self.engine]} logs in"
        return None if self.client is None else "<br>".join(map(code, self.client))

    def check_cell(self):
        names = ", ".join(f"`{name}`" for name in dict.fromkeys(each[0] for each in self.causes))
        text = names or "logged in"
        if len(self.causes) == 1:
            text += f": {escape(self.causes[0][1])} {remedy_text(self.causes[0][2])}"
        if self.with_aws:
            text += "<br>with `--aws`: " + ", ".join(f"`{name}`" for name in dict.fromkeys(self.with_aws))
        return text


def line_of(name, seen):
    """Returns the line of the table for one row: its name, and what was seen with each engine."""
    clients = [each.client_cell() for each in seen if each.client_cell() is not None]
    checks = list(dict.fromkeys(each.check_cell() for each in seen))
    if len(checks) > 1:
        checks = [f"{PROGRAMS[each.engine]}: {each.check_cell()}" for each in seen]
    statuses = ", ".join(dict.fromkeys(str(each.status) for each in seen))
    return f"| {escape(name)} | {'<br>'.join(clients)} | {'<br>'.join(checks)} | {statuses} |"


def name_lines(seen):
    """Returns the lines that explain the causes of outputs with several causes. If an output has only one cause, its
    row contains the explanation."""
    return [f"| `{name}` | {escape(text)} | {remedy_text(remedy)} |" for each in seen if len(each.causes) > 1
            for name, text, remedy in each.causes]


class CausesTable:
    """The committed file, and the rows of this run. If is_written is true, the test calls write() at its end. write()
    replaces the file by the rows of this run."""

    def __init__(self, groups, versions, is_written):
        self._groups = groups
        self._versions = versions
        self._rows, self._names = {}, {}
        self.is_written = is_written
        self._text = PATH.read_text(encoding="utf-8") if PATH.exists() else ""

    def comparable(self, line):
        """Returns the part of a line that is compared with the file. If the file was written with other versions of the
        clients, this part does not contain the clients' output."""
        if self._versions in " ".join(self._text.split()) or line.count(" | ") != COLUMNS.count(" | "):
            return line
        name, _, *rest = line.split(" | ")
        return " | ".join((name, *rest))

    def lines(self):
        return self._text.splitlines()

    def row_names(self):
        """Returns the names of the rows of the file, by group, without the section that explains the names."""
        groups, current = {}, None
        for line in self.lines():
            if line.startswith("## "):
                current = groups.setdefault(line[3:], [])
            elif current is not None and line.startswith("| ") and line != COLUMNS:
                current.append(line.split(" | ")[0][2:])
        groups.pop(NAMES, None)
        return groups

    def explained_names(self):
        return {line.split("`")[1] for line in self.lines() if line.startswith("| `")}

    def add(self, name, seen):
        self._rows[name] = line_of(name, seen)
        for line in name_lines(seen):
            self._names.setdefault(line)

    def write(self):
        """Writes the file. Raises KeyError if a row did not run to its end."""
        parts = [INTRODUCTION.format(versions=self._versions)]
        for title, rows in self._groups:
            parts += [f"\n## {title}\n\n{COLUMNS}\n|---|---|---|---|\n"]
            parts += [self._rows[row.name] + "\n" for row in rows]
        parts += [f"\n## {NAMES}\n\n| name | what `rds-iam check` says | what to do |\n|---|---|---|\n"]
        parts += [line + "\n" for line in sorted(self._names)]
        PATH.write_text("".join(parts), encoding="utf-8")
