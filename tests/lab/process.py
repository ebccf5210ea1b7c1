# SPDX-License-Identifier: MIT
"""Programs that the lab runs: as whom, with what environment, and that they die with labd.

A program started here gets its death signal when labd ends, even when labd is killed by SIGKILL.
PostgreSQL and MariaDB refuse or dislike root, so root runs them as nobody; nobody keeps
CAP_DAC_OVERRIDE, because the build directory may lie below a directory that only root may enter.
An ordinary user needs none of this and runs them as itself.
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

PYTHON = pathlib.Path(__file__).resolve().parents[1] / "python"  # our own programs run by it

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UNPRIVILEGED_USER = "nobody"

# setpriv has set the death signal when this runs. If labd died before that, nobody would ever
# send it; then the parent is another process already.
GUARD = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"'

# Ambient and nothing else: a program that holds more than its ambient capabilities is run in
# secure mode by the loader, and LD_PRELOAD is ignored.
DROP_ROOT = [
    f"--reuid={UNPRIVILEGED_USER}",
    "--regid=nogroup",
    "--clear-groups",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=+dac_override",
]

# Debian installs each release of the server below its number.
POSTGRESQL_BINS = "/usr/lib/postgresql/*/bin"


def newest_postgresql(pattern=POSTGRESQL_BINS):
    """The directory of the newest installed server; the pattern itself where there is none. A release
    whose client alone is installed has a directory too, without initdb."""

    def release(path):
        return [int(number) for number in pathlib.Path(path).parent.name.split(".")]

    found = [path for path in glob.glob(pattern) if os.path.exists(f"{path}/initdb")]
    return max(found, key=release, default=pattern)


POSTGRESQL_BIN = newest_postgresql()
MARIADB_PLUGINS = "/usr/lib/mysql/plugin"

# What must be installed: a file, and the Debian package that has it.
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
    """Raise LabError naming the package to install."""
    missing = [package for pattern, package in NEEDED_FILES if not glob.glob(pattern)]
    missing += [package for name, package in NEEDED_COMMANDS if not shutil.which(name, path=PATH)]
    missing += [package for name, package in NEEDED_MODULES if not importlib.util.find_spec(name)]
    if missing:
        packages = " ".join(dict.fromkeys(missing))
        raise LabError(f"the lab needs packages that are not installed: apt install {packages}")


def environment(directory, **extra):
    """What a program of the lab sees: no variable of the caller's gets through."""
    return {"PATH": PATH, "LC_ALL": "C", "TZ": "UTC", "TMPDIR": str(directory), **extra}


def server_uid():
    """Number of the user that the servers run as."""
    return pwd.getpwnam(UNPRIVILEGED_USER).pw_uid if os.geteuid() == 0 else os.geteuid()


def hand_over(path):
    """Give a file or directory to the user that the servers run as."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(UNPRIVILEGED_USER)
        os.chown(path, user.pw_uid, user.pw_gid)


def guarded(command, death_signal):
    """The command line that runs command as above. Start it from labd's main thread: the kernel
    sends the death signal when the thread that forked ends."""
    return [
        "setpriv",
        *(DROP_ROOT if os.geteuid() == 0 else []),
        f"--pdeathsig={death_signal}",
        *("sh", "-c", GUARD, "sh", str(os.getpid())),
        *(str(word) for word in command),
    ]


def start(command, death_signal, log, env, cwd, stdin=subprocess.DEVNULL):
    """Start a program; both its outputs are appended to the log file. Returns the Popen."""
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
    """The end of a log, for an error message."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"
