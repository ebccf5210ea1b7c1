# SPDX-License-Identifier: MIT
"""Debian packages of the last commit, built by .packaging/build-deb in a clean root, and an empty Debian system in which
they are installed and used. Only root can use this module."""
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

import harness
from empty_root import EmptyRoot

BUILD_DEB = harness.SOURCE / ".packaging/build-deb"
KEPT = harness.WORK.parent / "packages"
NAMES = ("rds-iam", "rds-iam-mysql", "rds-iam-postgresql")
# Directories whose files apt, dpkg and the packages of other programs change whenever a package is installed.
STATE = ("/var/lib/apt", "/var/lib/dpkg", "/var/cache", "/var/log", "/etc/ssl/certs", "/proc", "/sys", "/dev", "/run",
         "/tmp")
# Files that ca-certificates, which stays installed, ldconfig, enter_root and other tools of the system write.
WRITTEN_AGAIN = ("/etc/ca-certificates.conf", "/etc/ld.so.cache", "/etc/resolv.conf", "/etc/hosts", "/etc/machine-id")


def build(root, output, *options):
    """Builds the packages of the last commit in an EmptyRoot. build-deb installs there what it needs. `output` is a new
    directory for the packages and lintian.log."""
    output.mkdir()
    done = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", BUILD_DEB, "--in", root.release, "--root", root.path, *options, output],
        env={**os.environ, "TMPDIR": str(output)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise RuntimeError(f"build-deb failed: {done.stdout[-8000:]}")
    return output


def _path_of_last_commit(release):
    commit = subprocess.run(["git", "-C", harness.SOURCE, "rev-parse", "HEAD"], stdout=subprocess.PIPE, text=True,
                            check=True).stdout.strip()
    return KEPT / f"{release}-{commit}"


def of_last_commit(release):
    """The directory with the packages of the last commit, for a release. They are built if they are missing, and stay in
    build/packages."""
    if not _path_of_last_commit(release).exists():
        with tempfile.TemporaryDirectory(dir=harness.WORK) as directory, EmptyRoot(release) as root:
            keep(release, build(root, pathlib.Path(directory) / "built", "--nocheck"))
    return _path_of_last_commit(release)


def keep(release, directory):
    """Copies the packages of the last commit to build/packages, for of_last_commit(), and removes those of other commits."""
    path = _path_of_last_commit(release)
    if path.exists():
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    for each in KEPT.glob(f"{release}-*"):
        shutil.rmtree(each)
    draft = pathlib.Path(tempfile.mkdtemp(dir=KEPT))
    for name in NAMES:
        shutil.copy(package(directory, name), draft)
    draft.rename(path)


def package(directory, name):
    """The path of a built package."""
    found = list(directory.glob(f"{name}_*.deb"))
    if len(found) != 1:
        raise FileNotFoundError(f"{directory} has {len(found)} packages {name}")
    return found[0]


class Machine(EmptyRoot):
    """An empty Debian system whose resolver finds the servers of a lab. Its commands have AWS credentials in their
    environment."""

    def __init__(self, release, lab, user):
        super().__init__(release)
        self.lab = lab
        self.user = user

    def put(self, source, name):
        """Copies a file, or the three packages of a directory, into /root."""
        target = self.path / "root" / name
        if source.is_dir():
            target.mkdir()
            for each in NAMES:
                shutil.copy(package(source, each), target)
        else:
            shutil.copy(source, target)

    def shell(self, command):
        """Runs a shell command in /root. Returns its exit status and output."""
        keys = self.lab.principals["etl"].env()
        start = ["cat /root/lab-hosts >> /etc/hosts", "export DEBIAN_FRONTEND=noninteractive",
                 "export AWS_EC2_METADATA_DISABLED=true",
                 "echo 'APT::Get::Assume-Yes \"true\";' > /root/apt.conf", "export APT_CONFIG=/root/apt.conf"]
        start += [f"export {name}={shlex.quote(value)}" for name, value in keys.items()]
        self.put(self.lab.hosts_file, "lab-hosts")
        return self.run("\n".join([*start, command]), directory=".")

    def psql(self, prefix="rds-iam exec -- "):
        return (f"{prefix}psql -XAtw -h {self.lab.pg.host} -p {self.lab.pg.port} -U {self.user} "
                f"-c 'select current_user' {self.lab.database_name}")

    def mariadb(self, prefix="rds-iam exec -- ", option=""):
        return (f"{prefix}mariadb {option} -h {self.lab.mariadb.host} -P {self.lab.mariadb.port} -u {self.user} "
                "-Ne 'select current_user()'")

    def everything(self):
        """All files and links outside STATE."""
        return {path for path in self.files("/") if not path.startswith(tuple(f"{each}/" for each in STATE))}

    def owned(self):
        """The files of the installed packages."""
        found = set()
        for path in (self.path / "var/lib/dpkg/info").glob("*.list"):
            found.update(path.read_text(encoding="utf-8").splitlines())
        return found

    def left(self, before):
        """The files that are new since `before` and belong to no installed package."""
        owned = self.owned()
        real = {path.replace("/usr/", "/", 1) for path in owned} | {f"/usr{path}" for path in owned}
        return sorted(path for path in self.everything() - before - owned - real
                      if path not in WRITTEN_AGAIN and not path.startswith("/root/"))
