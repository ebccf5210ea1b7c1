# SPDX-License-Identifier: MIT
"""Reads systemd's units for a machine without systemd. A Unit is read from the unit that a recipe writes to /etc, or
else from the unit that Debian's package installs, and from the drop-in files in /etc. It returns the commands, the
environment, the user and the directories that systemd would use.

A test adds to a unit only what the lab needs: environment variables, and an option that sends the log to stderr. Every
directory and owner, and every other option, comes from the package or from the recipe.
"""
import re
import shlex
from typing import NamedTuple

PACKAGES, OURS = "/lib/systemd/system", "/etc/systemd/system"
# The PATH that systemd gives a system service.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CAPABILITY = re.compile("CAP_([A-Z_]+)")


class Account(NamedTuple):
    """A line of /etc/passwd."""

    name: str
    password: str
    uid: str
    gid: str
    comment: str
    home: str
    shell: str


class Unit:
    """A unit of a service. self.settings contains {name: values in order} of everything after the first line
    [Service]: that section, the sections after it, and the drop-in files. An empty value removes the values before it.
    `accounts` are the machine's accounts by name."""

    def __init__(self, text, accounts):
        self.settings = {}
        for name, value in re.findall(r"^(\w+)=(.*)$", text.partition("[Service]")[2], re.M):
            values = self.settings.setdefault(name, [])
            values[:] = [*values, value] if value else []
        self.account = accounts[self.last("User", "root")]

    def last(self, name, default=None):
        return (self.settings.get(name) or [default])[-1]

    def commands(self, name):
        return self.settings.get(name, [])

    def directories(self):
        """Returns a list with the command that makes the directory of RuntimeDirectory=. Without this setting, the list
        is empty."""
        name, mode = self.last("RuntimeDirectory"), self.last("RuntimeDirectoryMode", "0755")
        return [f"install -d -o {self.account.uid} -g {self.account.gid} -m {mode} /run/{name}"] if name else []

    def environment(self):
        words = [f"PATH={PATH}", *self.settings.get("Environment", [])]
        if "User" in self.settings:
            words[1:1] = [f"HOME={self.account.home}", f"USER={self.account.name}", f"LOGNAME={self.account.name}"]
        return " ".join(words)

    def rights(self):
        """Returns the arguments of setpriv."""
        words = [f"--reuid={self.account.uid}", f"--regid={self.account.gid}", "--init-groups"]
        capabilities = [f"+{name.lower()}" for name in CAPABILITY.findall(self.last("AmbientCapabilities", ""))]
        if capabilities:
            words += [f"--inh-caps={','.join(capabilities)}", f"--ambient-caps={','.join(capabilities)}"]
        return " ".join(words)

    def command_line(self, command, **more):
        """Returns a shell command line that runs a command of the unit. `more` are environment variables of the lab.
        Variables in the command are left out: in the units of the tests, only the file of EnvironmentFile=
        (/etc/default/NAME) sets them, to an empty text. A command with a variable of Environment=, or with systemd's
        $MAINPID, would be wrong."""
        extra = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in more.items())
        return f"env -i {self.environment()} {extra} setpriv {self.rights()} {re.sub(r'[$][A-Z_]+', '', command)}"


def read(network, name):
    """Returns the unit NAME.service of a machine."""
    files = f"{{ cat {OURS}/{name}.service || cat {PACKAGES}/{name}.service; cat {OURS}/{name}.service.d/*.conf; }} 2>/dev/null"
    text, passwd = (network.run(["sh", "-c", each], {"PATH": "/usr/bin:/bin"}).stdout for each in (files, "cat /etc/passwd"))
    return Unit(text, {account.name: account for account in (Account(*line.split(":")) for line in passwd.splitlines())})
