# SPDX-License-Identifier: MIT
"""rds-iam, rds-iam-agent and rds-iam-fetch protect their memory from other programs of their own user: they write no
core file, and no other program can trace them. A command under `rds-iam exec` is the control. Also tests an agent whose
directory is below directories of root, in a user namespace that does not map root."""
import json
import os

from cloud import CloudCase, needs_root
from labcase import harness
from service import agent_program

TOOL = harness.installed("bin/rds-iam")
USER_ID = 4321  # owns no file of the build, and is not the uid of unmapped users

# Starts the command in its arguments, and waits for a line on stdin, which means that the command runs. Then prints
# what a program of the same user can do to the command: read its environment, read its memory, trace it, and get a core
# file. Some kernels (Yama) allow only ancestors to trace; this program is the command's parent.
PROBE = r"""
import ctypes, json, os, pathlib, re, resource, signal, socket, sys, time
PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

def can_open(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
            return name != "environ" or file.read(1) != b""
    except PermissionError:
        return False

near, far = socket.socketpair()
pid = os.fork()
if pid == 0:
    os.dup2(far.fileno(), 0)
    near.close()
    os.execv(sys.argv[1], sys.argv[1:])
sys.stdin.readline()
while True:  # until the command is in its main() and waits
    comm, state = re.fullmatch(r"\d+ \((.*)\) (.).*\n", pathlib.Path(f"/proc/{pid}/stat").read_text()).groups()
    if (comm, state) == (os.environ["COMM"], "S"):
        break
    time.sleep(0.01)
found = {name: can_open(pid, name) for name in ("environ", "mem")}
found["trace"] = libc.ptrace(PTRACE_SEIZE, pid, None, None) == 0
if found["trace"]:
    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, 0)
    libc.ptrace(PTRACE_DETACH, pid, None, None)
    os.kill(pid, signal.SIGCONT)
os.kill(pid, signal.SIGSEGV)
_, status = os.waitpid(pid, 0)
found["core"] = os.WCOREDUMP(status)
print(json.dumps({"signal": os.WTERMSIG(status), **found}))
"""


def dropped():
    """Returns the words that run a command as an ordinary user."""
    return ["setpriv", f"--reuid={USER_ID}", f"--regid={USER_ID}", "--clear-groups"] if os.geteuid() == 0 else []


class UserCase(CloudCase):
    """The home directory belongs to the ordinary user."""

    def setUp(self):
        super().setUp()
        self.own(self.home.path)

    def own(self, *paths):
        for path in paths if os.geteuid() == 0 else ():
            os.chown(path, USER_ID, USER_ID)


class OwnPrograms(UserCase):
    def probe(self, *argv, ready, comm=None):
        """Runs PROBE with the command. PROBE gets the line on its stdin when the file `ready` exists, which the command
        or its child makes. `comm` is the name of the process to probe, if it differs from the command's name."""
        script = f'until [ -e "{ready}" ]; do sleep 0.02; done; echo'
        result = self.home.run(
            ["sh", "-c", f'({script}) | exec "$@"', "sh", *dropped(), "/usr/bin/python3", "-c", PROBE, *argv], None,
            **self.cloud_env(COMM=comm or argv[0].name))
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    NOTHING = {"signal": 11, "environ": False, "mem": False, "trace": False, "core": False}
    EVERYTHING = {"signal": 11, "environ": True, "mem": True, "trace": True, "core": True}

    def write(self, name, text, mode=0o600):
        path = self.home.write(name, text, mode)
        self.own(path, path.parent)
        return path

    def test_rds_iam_is_protected(self):
        ready = self.home.path / "ready"
        self.write(".aws/config", f"[default]\ncredential_process = touch {ready}; sleep 100\n")
        self.assertEqual(self.probe(TOOL, "credentials", ready=ready), self.NOTHING)

    def test_the_agent_is_protected(self):
        directory = self.home.path / "run"
        self.write(".pg_service.conf", f"[prod]\nhost={self.lab.pg.host}\nport=1\nuser=u\nsslmode=verify-full\n"
                   f"passfile={directory}/prod\n")
        argv = [agent_program(), "--foreground", "--directory", directory]
        self.assertEqual(self.probe(*argv, ready=directory / "prod"), self.NOTHING)

    def test_rds_iam_fetch_is_protected(self):
        """rds-iam-fetch waits for a request, so the file `ready` can exist from the start."""
        ready = self.write("ready", "")
        self.assertEqual(self.probe(harness.installed("libexec/rds-iam/rds-iam-fetch"), ready=ready), self.NOTHING)

    def test_control_a_command_under_exec_is_not_protected(self):
        ready = self.home.path / "ready"
        argv = [TOOL, "exec", "--", "/usr/bin/python3", "-c", f"import time; open('{ready}', 'w'); time.sleep(100)"]
        self.assertEqual(self.probe(*argv, ready=ready, comm="python3"), self.EVERYTHING)


class UserNamespace(UserCase):
    def once(self, *under):
        run = self.home.path / "run"
        return self.home.run([*dropped(), *under, agent_program(), "--once", "--directory", run]).stderr

    def test_directories_of_an_owner_who_is_not_mapped(self):
        """The directories above the home belong to root, whom the namespace does not map."""
        ours = ["unshare", "--user", "--map-current-user"]
        shown = self.home.run([*dropped(), *ours, "stat", "-c", "%u", "/"], None).stdout
        self.assertEqual(shown, "65534\n", "control: the namespace does not map root")
        self.assertIn("no service has its passfile in this directory", self.once(*ours))
        self.assertIn("no service has its passfile in this directory", self.once(), "control: without a namespace")

    @needs_root
    def test_control_another_owner_without_a_namespace(self):
        run = self.home.path / "run"
        run.mkdir(mode=0o700)
        self.own(run)
        os.chown(self.home.path, 65534, 65534)
        self.home.path.chmod(0o755)
        self.assertIn("it belongs to uid 65534, neither to root nor to you", self.once())


if __name__ == "__main__":
    harness.main()
