# SPDX-License-Identifier: MIT
"""An empty Debian system in a directory, as a container image contains it: only the essential packages, no package
lists, and a /root that is closed to other users. Commands run in it as root.

debootstrap makes each release once; an archive of it stays in build/roots. Only root can use this module.
"""
import pathlib
import shutil
import subprocess
import tempfile

import harness

ENTER = pathlib.Path(__file__).resolve().parent / "enter_root"
ARCHIVES = harness.WORK.parent / "roots"
RELEASES = ("bookworm", "trixie")


def _archive(release):
    """The path of the archive of a release. The archive is made if it is missing, from debootstrap's default mirror."""
    path = ARCHIVES / f"{release}.tar"
    if path.exists():
        return path
    ARCHIVES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{release}-", dir=ARCHIVES) as directory:
        root = pathlib.Path(directory) / "root"
        _run("debootstrap", "--variant=minbase", release, root)
        shutil.rmtree(root / "var/lib/apt/lists")
        draft = pathlib.Path(directory) / "root.tar"
        _run("tar", "--numeric-owner", "-C", root, "-cf", draft, ".")
        draft.rename(path)
    return path


def _run(*command):
    done = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", *(str(word) for word in command)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed with status {done.returncode}:\n{done.stdout[-4000:]}")


def run_in(root, command):
    """Runs a shell command in a root, in /root. Returns its exit status and output."""
    done = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", ENTER, root, "bash", "-c", command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False)
    return done.returncode, done.stdout


class EmptyRoot:
    """with EmptyRoot("trixie") as root: root.run("uname -a")"""

    def __init__(self, release):
        self.release = release
        self.path = None

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.release}-", dir=harness.WORK))
        self.path.chmod(0o755)
        _run("tar", "--numeric-owner", "-C", self.path, "-xf", _archive(self.release))
        return self

    def __exit__(self, *exception):
        # Each command's mounts in the directory ended together with the namespace of the command.
        shutil.rmtree(self.path, ignore_errors=True)

    def clone(self, umask=0o022):
        """Clones the last commit of this tree into /root/rds-iam."""
        subprocess.run(
            ["git", "clone", "-q", f"file://{harness.SOURCE}", str(self.path / "root/rds-iam")],
            umask=umask, stdin=subprocess.DEVNULL, check=True)

    def run(self, command, directory="rds-iam"):
        """Runs a shell command in a directory below /root. Returns its exit status and output."""
        return run_in(self.path, f"cd {directory} && {command}")

    def files(self, *directories):
        """All files and links in these directories of the root, as absolute paths in that root."""
        return sorted(
            "/" + str(path.relative_to(self.path)) for directory in directories
            for path in (self.path / directory.lstrip("/")).rglob("*") if not path.is_dir() or path.is_symlink())
