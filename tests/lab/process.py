# SPDX-License-Identifier: MIT
"""Starts the programs of the lab: chooses their user and environment, and ensures that they end with labd.

When labd ends, even by SIGKILL, the kernel sends a signal (the death signal) to each program that was started here.
PostgreSQL refuses to run as root, and MariaDB should not, so root starts both as the user nobody. They keep
CAP_DAC_OVERRIDE, because the build directory may be below a directory that only root can enter. If an ordinary user
runs labd, the programs run as this user.
"""
import glob
import importlib.util
import os
import pathlib
import pwd
import shutil
import subprocess

import surroundings  # noqa: F401  removes PYTHONPATH from the environment
from fixture import LabError

PYTHON = pathlib.Path(__file__).resolve().parents[1] / "python"  # runs the lab's own Python programs

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UNPRIVILEGED_USER = "nobody"

# setpriv sets the death signal before this shell command runs. If labd ended before that, the signal is never sent;
# but then the parent process is no longer labd, and the command ends.
GUARD = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"'

# The process gets only this ambient capability. If it had other capabilities too, the loader would run it in secure
# mode and ignore LD_PRELOAD.
DROP_ROOT = [
    f"--reuid={UNPRIVILEGED_USER}",
    "--regid=nogroup",
    "--clear-groups",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=+dac_override",
]

# Debian installs each release of the server in a directory that is named after the release's number.
POSTGRESQL_BINS = "/usr/lib/postgresql/*/bin"


def newest_postgresql(pattern=POSTGRESQL_BINS):
    """The directory of the newest installed server, or the pattern itself if no server is installed. A release of
    which only the client is installed also has a directory, but without initdb."""

    def release(path):
        return [int(number) for number in pathlib.Path(path).parent.name.split(".")]

    found = [path for path in glob.glob(pattern) if os.path.exists(f"{path}/initdb")]
    return max(found, key=release, default=pattern)


POSTGRESQL_BIN = newest_postgresql()
MARIADB_PLUGINS = "/usr/lib/mysql/plugin"

# The files that must be installed, each with its Debian package.
NEEDED_FILES = [
    (f"{POSTGRESQL_BINS}/initdb", "postgresql"),
    ("/usr/sbin/mariadbd", "mariadb-server-core"),
    ("/usr/bin/mariadb-install-db", "mariadb-server-core"),
    (f"{MARIADB_PLUGINS}/auth_ed25519.so", "mariadb-server"),
    (f"{MARIADB_PLUGINS}/auth_pam_v1.so", "mariadb-server"),
    ("/usr/lib/*/libnss_wrapper.so", "libnss-wrapper"),
]
NEEDED_COMMANDS = [("openssl", "openssl"), ("setpriv", "util-linux"), ("ip", "iproute2")]
NEEDED_MODULES = [
    ("botocore", "python3-botocore"),
    ("jwt", "python3-jwt"),
    ("cryptography", "python3-cryptography"),
]


def check_installed():
    """Raises LabError, which names the missing packages, if a file, command or module is not installed."""
    missing = [package for pattern, package in NEEDED_FILES if not glob.glob(pattern)]
    missing += [package for name, package in NEEDED_COMMANDS if not shutil.which(name, path=PATH)]
    missing += [package for name, package in NEEDED_MODULES if not importlib.util.find_spec(name)]
    if missing:
        packages = " ".join(dict.fromkeys(missing))
        raise LabError(f"the lab needs packages that are not installed; run: apt install {packages}")


def environment(directory, **extra):
    """The whole environment of a program of the lab. It contains no variable of the caller."""
    return {"PATH": PATH, "LC_ALL": "C", "TZ": "UTC", "TMPDIR": str(directory), **extra}


def server_uid():
    """The id of the user that the servers run as."""
    return pwd.getpwnam(UNPRIVILEGED_USER).pw_uid if os.geteuid() == 0 else os.geteuid()


def hand_over(path):
    """Makes the servers' user the owner of a file or directory."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(UNPRIVILEGED_USER)
        os.chown(path, user.pw_uid, user.pw_gid)


def guarded(command, death_signal):
    """The command line that runs a command as the servers' user and with the death signal. Start it from labd's main
    thread, because the kernel sends the death signal when the thread that forked ends."""
    return [
        "setpriv",
        *(DROP_ROOT if os.geteuid() == 0 else []),
        f"--pdeathsig={death_signal}",
        *("sh", "-c", GUARD, "sh", str(os.getpid())),
        *(str(word) for word in command),
    ]


def start(command, death_signal, log, env, cwd, stdin=subprocess.DEVNULL):
    """Starts a program whose stdout and stderr are appended to the log file. Returns the Popen."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            guarded(command, death_signal),
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )


def log_tail(path, lines=12):
    """The last lines of a log, for an error message."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"
