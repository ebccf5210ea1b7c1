# SPDX-License-Identifier: MIT
"""The agent's units under a real systemd. The units forbid what their settings name. They allow everything that the
agent, the renewal of an SSO session, a credential_process or the directory of a passfile needs."""
import json
import pathlib

from cloud import REGION, CloudCase, needs_root
from labcase import harness
from machine import RUNTIME, UID, USER, Machine
from service import Services, agent_program, await_true

SYSTEM = harness.PREFIX / "lib/systemd/system/rds-iam-agent@.service"
USER_UNIT = harness.PREFIX / "share/systemd/user/rds-iam-agent.service"
DIRECTORY = f"/run/rds-iam/{USER}"

# A credential_process that tries actions that the unit must forbid or allow, and writes the results to a file.
PROBE = r"""
import json, os, re, socket, subprocess, sys
home = os.environ["HOME"]
def attempt(action):
    try:
        action()
        return "done"
    except OSError as error:
        return error.strerror
status = open("/proc/self/status").read()
found = {
    "boot_id": open("/proc/sys/kernel/random/boot_id").read().strip(),
    "status": dict(re.findall(r"(CapBnd|NoNewPrivs|Seccomp):\s+(\w+)", status)),
    "netlink": attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()),
    "localhost": socket.getaddrinfo("localhost", 1)[0][4][0],
    "home": attempt(lambda: open(home + "/written", "w").close()),
    "tmp": attempt(lambda: open("/tmp/ria-written-%d" % os.getpid(), "w").close() or
                   os.unlink("/tmp/ria-written-%d" % os.getpid())),
    "limits": attempt(lambda: __import__("resource").prlimit(0, 7, (64, 64))),
    "usr": attempt(lambda: open("/usr/written", "w").close()),
    "sysctl": attempt(lambda: open("/proc/sys/kernel/domainname", "w").close()),
    "packet": attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)),
    "suid": attempt(lambda: os.chmod(home + "/written", 0o4755)),
    "namespace": subprocess.run(["unshare", "--user", "true"], capture_output=True, text=True).stderr,
}
json.dump(found, open(home + "/found", "w"))
print(open(home + "/credentials.json").read())
"""
# A function that is called often enough for node to compile it, into memory that is first written and then executed.
NODE = """
let sum = 0;
function add(i) { return sum += i % 7; }
for (let i = 0; i < 5000000; i++) add(i);
console.log(require("fs").readFileSync(process.env.HOME + "/credentials.json", "utf8"));
"""


class UnitCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.machine = Machine(self.home.path)
        self.machine.__enter__()
        self.addCleanup(self.machine.__exit__)
        self.services = Services(self.home)
        self.log = self.home.path / "agent.log"

    def drop_in(self, *lines, **env):
        words = [f"Environment={name}={value}" for name, value in env.items()]
        return "\n".join(["[Service]", f"StandardError=append:{self.log}", *words, *lines, ""])

    def use_keys(self):
        entry = self.lab.principals["etl"]
        self.home.write(".aws/credentials", f"[default]\naws_access_key_id = {entry.access_key}\n"
                        f"aws_secret_access_key = {entry.secret_key}\n")

    def use_process(self, command):
        entry = self.lab.principals["etl"]
        self.home.write("credentials.json", json.dumps({
            "Version": 1, "AccessKeyId": entry.access_key, "SecretAccessKey": entry.secret_key}))
        self.home.write(".aws/config", f"[default]\ncredential_process = {command}\n")

    def log_text(self):
        return self.log.read_text() if self.log.exists() else ""

    def start(self, *lines, directory=DIRECTORY, **env):
        """Starts the system unit for the user."""
        self.services.directory = pathlib.Path(directory)
        if not self.services._text.count("[prod]"):
            self.services.add("prod")
        self.machine.own()
        self.machine.install(SYSTEM, "system", self.drop_in(*lines, **env))
        self.machine.systemctl("daemon-reload")
        result = self.machine.systemctl("start", f"rds-iam-agent@{USER}.service")
        self.assertEqual((result.returncode, result.stderr), (0, ""), self.log_text())

    def passfile(self):
        return self.machine.as_user("cat", f"{self.services.directory}/prod").stdout

    def assert_serves(self):
        """Waits until a read of the passfile returns a token. On a busy machine, a slow credential source may not
        respond in time for the first read."""
        await_true(lambda: "X-Amz-Signature" in self.passfile(), self.log_text)
        status = self.machine.as_user(agent_program(), "--status", "--directory", self.services.directory)
        self.assertRegex(status.stdout, r"serving +on open", status.stderr)


@needs_root
class SystemUnit(UnitCase):
    def test_the_agent_serves_and_is_reloaded(self):
        self.use_keys()
        self.start()
        self.assert_serves()
        self.services.add("more")
        self.machine.own()
        name = f"rds-iam-agent@{USER}.service"
        self.assertEqual(self.machine.systemctl("reload", name).returncode, 0)
        await_true(lambda: "X-Amz-Signature" in self.machine.as_user("cat", f"{DIRECTORY}/more").stdout, self.log_text)
        self.assertEqual(self.machine.systemctl("stop", name).returncode, 0)
        self.assertNotEqual(self.machine.run("ls", DIRECTORY).returncode, 0, "the directory is not removed with the service")

    def test_permissions_of_a_credential_process(self):
        script = self.home.write("probe.py", PROBE)
        self.use_process(f"/usr/bin/python3 {script}")
        self.start()
        self.assert_serves()
        found = json.loads((self.home.path / "found").read_text())
        boot_id = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        expected = {
            "boot_id": boot_id, "status": {"CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"},
            "netlink": "done", "home": "done", "tmp": "done", "limits": "done",
            "usr": "Read-only file system", "sysctl": "Read-only file system",
            "packet": "Address family not supported by protocol", "suid": "Operation not permitted"}
        self.assertEqual({name: found[name] for name in expected}, expected)
        self.assertIn("Operation not permitted", found["namespace"])
        self.assertIn(found["localhost"], ("127.0.0.1", "::1"))

    def test_a_credential_process_that_is_the_aws_cli(self):
        entry = self.lab.principals["etl"]
        script = self.home.write(
            "process", "#!/bin/sh\nset -e\naws sts get-caller-identity --profile base --endpoint-url "
            f"{self.lab.cloud_https} >\"$HOME/caller\"\n"
            "cat \"$HOME/credentials.json\"\n", 0o700)
        self.use_process(script)
        self.home.write(".aws/credentials", f"[base]\naws_access_key_id = {entry.access_key}\n"
                        f"aws_secret_access_key = {entry.secret_key}\n")
        self.start(**self.cloud_env(AWS_DEFAULT_REGION=REGION))
        self.assert_serves()
        self.assertIn("etl", json.loads((self.home.path / "caller").read_text())["Arn"])

    def test_a_credential_process_that_compiles_at_run_time(self):
        script = self.home.write("process.js", NODE)
        self.use_process(f"node {script}")
        self.start()
        self.assert_serves()

    def test_control_memory_deny_write_execute_ends_node(self):
        script = self.home.write("process.js", NODE)
        self.use_process(f"node {script}")
        self.start("MemoryDenyWriteExecute=yes")
        self.assertNotIn("X-Amz-Signature", self.passfile())
        self.assertIn("the credential_process ended with status", self.log_text())

    def test_an_sso_session_is_renewed_and_written_back(self):
        self.sso_profile(name="p")
        path, before = self.sso_login(expires=60)
        self.start(AWS_PROFILE="p", **self.sso_env())
        self.assert_serves()
        after = json.loads(path.read_text())
        self.assertNotEqual(after["accessToken"], before["accessToken"])
        self.assertEqual(path.stat().st_uid, UID)
        self.assertEqual([call["operation"] for call in self.calls()], ["CreateToken", "GetRoleCredentials"])

    def test_every_directory_of_passfiles(self):
        self.use_keys()
        program = ["ExecStart=", f"ExecStart={agent_program()} --foreground"]
        for directory, lines, env in (
                (f"{RUNTIME}/rds-iam/run", program, {"XDG_RUNTIME_DIR": RUNTIME}),
                (self.home.path / ".cache/rds-iam/run", program, {}),
                (self.home.path / "elsewhere", [program[0], f"{program[1]} --directory {self.home.path}/elsewhere"], {}),
                ("/var/lib/rds-iam-test/run", [program[0], f"{program[1]} --directory /var/lib/rds-iam-test/run",
                                               "StateDirectory=rds-iam-test"], {})):
            with self.subTest(directory=directory):
                self.services.clear()
                self.home.write(".aws/.keep", "")
                self.start(*lines, directory=directory, **env)
                self.assert_serves()
                self.machine.systemctl("stop", f"rds-iam-agent@{USER}.service")

    def test_a_mount_that_is_made_after_the_start_is_visible(self):
        """Mounts of the machine, such as a user's runtime directory or a network home, are visible to the agent."""
        self.use_keys()
        self.start()
        late = self.home.path / "late"
        self.machine.run("mkdir", late)
        self.machine.run("mount", "-t", "tmpfs", "tmpfs", late)
        self.machine.run("touch", late / "there")
        main = self.machine.systemctl("show", "-p", "MainPID", "--value", f"rds-iam-agent@{USER}.service").stdout.strip()
        seen = self.machine.run("nsenter", "-m", "-t", main, "ls", late)
        self.assertEqual(seen.stdout, "there\n", seen.stderr)


@needs_root
class UserUnit(UnitCase):
    """The user unit, on a machine where ordinary users may not make user namespaces."""

    def start_in_session(self, name, unit=None, drop_in=""):
        path = USER_UNIT if unit is None else unit
        self.machine.install(path, "user", drop_in)
        self.machine.user_systemctl("daemon-reload")
        return self.machine.user_systemctl("start", name)

    def test_the_agent_starts_and_serves(self):
        self.use_keys()
        self.services.directory = pathlib.Path(RUNTIME, "rds-iam/run")
        self.services.add("prod")
        self.machine.own()
        result = self.machine.start_user_manager()
        self.assertEqual(result.returncode, 0, result.stderr)
        result = self.start_in_session("rds-iam-agent.service", None, self.drop_in())
        self.assertEqual((result.returncode, result.stderr), (0, ""), self.log_text())
        self.assert_serves()
        main = self.machine.user_systemctl("show", "-p", "MainPID", "--value", "rds-iam-agent.service").stdout.strip()
        status = self.machine.run("cat", f"/proc/{main}/status").stdout
        self.assertRegex(status, r"NoNewPrivs:\s+1")
        self.assertRegex(status, r"Seccomp:\s+2")
        self.assertEqual(self.machine.user_systemctl("reload", "rds-iam-agent.service").returncode, 0)

    def test_control_a_unit_that_needs_a_user_namespace_does_not_start(self):
        self.machine.own()
        self.assertEqual(self.machine.start_user_manager().returncode, 0)
        for line, starts in (("NoNewPrivileges=yes", True), ("PrivateUsers=yes", False), ("CapabilityBoundingSet=", False)):
            with self.subTest(line=line):
                unit = self.home.write("other.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n" + line + "\n")
                result = self.start_in_session("other.service", unit)
                self.assertEqual(result.returncode == 0, starts, result.stderr)


if __name__ == "__main__":
    harness.main()
