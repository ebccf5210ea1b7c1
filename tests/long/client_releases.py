# SPDX-License-Identifier: MIT
"""Packages of other Debian releases, such as MariaDB's clients. They are unpacked and not installed.

    client = fetch("trixie")        # a Client; raises NotServed with the reason
    client.command("mariadb")       # the first words of a command line that runs this release's `mariadb`
    client.program(path)            # the same for one of our programs, with this release's libmariadb

apt-get finds and downloads the packages, with directories of its own below build/clients. The unpacked packages stay
there for later runs. The client of a release that is newer than this system runs with the C library of that release.
The client of an older release runs with this system's C library, for which the plugin was built.
"""
import platform
import shutil
import subprocess

import harness

MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
CACHE = (harness.BUILD / ".." / "clients").resolve()
SECONDS = 300

# suite: the package that contains the client, and whether the release has a newer C library than Debian 12.
# Backports and experimental are missing because they have no MariaDB packages of their own.
RELEASES = {
    "bullseye": ("mariadb-client-core-10.5", False),
    "bookworm": ("mariadb-client-core", False),
    "trixie": ("mariadb-client-core", True),
    "sid": ("mariadb-client-core", True),
}


class NotServed(Exception):
    """The mirror does not have this client now, or cannot be reached. The text gives the reason."""


class Client:
    """The client of one release, unpacked below root."""

    def __init__(self, suite, root, is_newer):
        self.suite = suite
        self.root = root
        triplet = f"{platform.machine()}-linux-gnu"
        self._libraries = [root / "usr/lib" / triplet, root / "lib" / triplet]
        self._loader = next(iter(sorted(root.glob("**/ld-linux-*.so.*")))) if is_newer else None

    @property
    def libraries(self):
        return ":".join(map(str, self._libraries))

    def command(self, name):
        return self.program(self.root / "usr/bin" / name)

    def program(self, path):
        if self._loader is not None:
            return [str(self._loader), "--library-path", self.libraries, str(path)]
        return ["env", f"LD_LIBRARY_PATH={self.libraries}", str(path)]


def _apt(directory, suite, *arguments):
    """Runs apt-get with all its directories and settings below `directory`. Returns its output."""
    options = {
        "Dir": directory, "Dir::Etc::sourcelist": directory / "sources.list", "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferencesparts": "-", "Dir::State::status": directory / "status",
        "APT::Default-Release": "", "APT::Get::AllowUnauthenticated": "false",
        "APT::Sandbox::User": "", "Acquire::Languages": "none", "Acquire::Retries": "1",
        "Debug::NoLocking": "1", "APT::Install-Recommends": "false",
    }  # fmt: skip
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    done = subprocess.run(
        ["apt-get", "-q", "-y", *words, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False, cwd=directory)
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if line.startswith(("E:", "W:", "Err:"))]
        raise NotServed(f"{suite}: {' '.join(lines) or done.stdout[-200:]}")
    return done.stdout


def _prepare(directory, suite):
    for name in ("etc/apt", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / "status").touch()
    line = f"deb [signed-by={KEYRING}] {MIRROR} {suite} main\n"
    (directory / "sources.list").write_text(line, encoding="utf-8")


def download(suite, directory, package):
    """Downloads one package of a release, without its dependencies. Returns the archive's path; raises
    NotServed."""
    _prepare(directory, suite)
    _apt(directory, suite, "update")
    _apt(directory, suite, "download", package)
    return next(directory.glob(f"{package}_*.deb"))


def unpack(suite, name, packages, with_c_library=True):
    """Returns a directory below CACHE in which packages of a release are unpacked with everything that they need.
    Downloads them if needed. Raises NotServed."""
    root = CACHE / name / "root"
    if not root.exists():
        directory = CACHE / name / "apt"
        _prepare(directory, suite)
        _apt(directory, suite, "update")
        _apt(directory, suite, "install", "--download-only", *packages)
        draft = CACHE / name / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        for archive in sorted((directory / "var/cache/apt/archives").glob("*.deb")):
            if archive.name.startswith("libc6_") and not with_c_library:
                continue
            subprocess.run(["dpkg-deb", "-x", archive, draft], check=True, timeout=SECONDS)
        shutil.rmtree(directory)
        draft.rename(root)
    return root


def fetch(suite):
    """Returns the Client of a release, after downloading it if needed. Raises NotServed."""
    package, is_newer = RELEASES[suite]
    return Client(suite, unpack(suite, suite, [package, "libmariadb3"], is_newer), is_newer)
