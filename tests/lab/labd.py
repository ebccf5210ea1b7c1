# SPDX-License-Identifier: MIT
"""labd: the process that runs one lab. It starts both servers, verifies their tokens, and cleans up.

usage: tests/python tests/lab/labd.py --build-dir DIR --modules DIR [--owner PID]

labd prints one JSON object when everything runs ({"lab": ...}) or when it cannot start ({"error": ...}), and another
one if a server ends later. labd ends on SIGTERM, SIGINT or SIGHUP, when its owner ends in any way, or when a
server ends. It then stops the servers and removes the lab directory. If labd itself is killed, the kernel ends the
servers, and the next labd removes the directory.

Tests do not start labd; they use rdslab.py.
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import select
import signal
import sys
import threading
import traceback

import certificates
import fixture
import place
import process
import servers
from aws import Cloud
from control import Clock, ControlEndpoint, Journal, VerifierEndpoint
from fixture import LabError
from networks import Networks
from principals import Principals

MACHINE_SECONDS = 21600  # as in Lab.machine()
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MODULES = ("pam_rdslab.so", "pam_confdir.so", "aws_authentication_plugin.so")


class Stopped(Exception):
    """A signal asks labd to end."""


def main():
    arguments = parse_arguments()
    for number in STOP_SIGNALS:
        signal.signal(number, on_stop)
    try:
        with contextlib.ExitStack() as stack:
            try:
                run(stack, arguments)
            finally:
                ignore_signals()  # no signal may interrupt the cleanup
    except Stopped:
        return 0
    except LabError as error:
        announce({"error": str(error)})
    except Exception:
        announce({"error": f"internal error in labd:\n{traceback.format_exc()}"})
    return 1


def parse_arguments():
    parser = argparse.ArgumentParser(description="runs one lab; see rdslab.py")
    parser.add_argument("--build-dir", required=True)
    parser.add_argument("--modules", required=True, type=pathlib.Path)
    parser.add_argument("--owner", type=int)
    return parser.parse_args()


def run(stack, arguments):
    """Starts the lab, announces it and waits. Never returns: Stopped or LabError ends it."""
    in_memory = place.own_mounts()
    if arguments.owner is not None:
        follow(arguments.owner)
    process.check_installed()
    check_modules(arguments.modules)
    root = place.lab_root(arguments.build_dir)
    entries = fixture.load()
    directory = stack.enter_context(place.own_directory(root))
    stack.enter_context(place.data_directory(directory, in_memory))
    write_hosts(directory, entries)

    journal, calls, clock, ports, iam_off = Journal(), Journal(), Clock(), {}, set()
    principals = Principals(entries, clock.now)
    endpoint = VerifierEndpoint(
        lambda: make_verifier(entries, ports, clock, principals, iam_off), journal, clock.now
    )
    trust = make_certificates(root, entries)
    cloud_trust = make_cloud_certificates(root, entries)
    running = [
        kind(directory, entries, trust, arguments.modules, endpoint.socket_name)
        for kind in (servers.PostgreSQL, servers.MariaDB)
    ]
    prepare(running, root)
    for server in running:
        stack.callback(server.stop)
        server.start()
    endpoint.warm_up()
    cloud = Cloud(entries, principals, clock.now, calls, cloud_trust, ports, iam_off)
    for server in running:
        server.await_ready()
        ports[server.engine] = server.port
    networks = Networks(cloud, cloud_trust.server, entries.cloud.instance_role)
    pages = {
        "/journal": journal.text,
        "/calls": calls.text,
        "/live": lambda: f"{count_live(journal, clock)}\n",
    }
    steering = actions(entries, clock, cloud, networks.machine, principals)
    steering["/reset"] = lambda body: (
        reset(steering, entries, cloud, principals, running[0], (journal, calls), iam_off),
        ports.update({server.engine: server.port for server in running}))
    steering["/parameter"] = lambda body: running[0].set_parameter(body["name"], body["value"])
    steering["/ports"] = ports.update
    steering["/iam"] = lambda body: set_iam(entries, iam_off, body)
    control = ControlEndpoint(pages, steering)
    state = describe(directory, trust, running, control, endpoint)
    announce({"lab": {**state, **describe_cloud(cloud_trust, networks)}})
    watch(running)


def follow(owner):
    """Ends this process as soon as the owner has ended."""
    try:
        descriptor = os.pidfd_open(owner)
    except ProcessLookupError:
        raise LabError(f"the lab's owner, process {owner}, does not exist") from None

    def wait():
        select.select([descriptor], [], [])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def check_modules(modules):
    missing = [name for name in MODULES if not (modules / name).is_file()]
    if missing:
        raise LabError(f"{', '.join(missing)} not found in {modules}; run ninja in the build directory")


def write_hosts(directory, entries):
    names = entries.endpoints + entries.certified_names + entries.uncertified_names
    names += entries.cloud.names
    (directory / "hosts").write_text("".join(f"127.0.0.1 {name}\n" for name in names))


def make_certificates(root, entries):
    names = entries.endpoints + entries.certified_names
    others = entries.uncertified_names
    recipe = pathlib.Path(certificates.__file__).read_text(encoding="utf-8")
    entry = place.cached(
        root,
        f"certificates-{servers.fingerprint('/usr/bin/openssl', names, others, recipe)}",
        lambda draft: certificates.make(draft, names, others, process.environment(draft)),
    )
    return certificates.Certificates(entry)


def make_cloud_certificates(root, entries):
    names = entries.cloud.names
    recipe = pathlib.Path(certificates.__file__).read_text(encoding="utf-8")
    entry = place.cached(
        root,
        f"cloud-{servers.fingerprint('/usr/bin/openssl', names, recipe)}",
        lambda draft: certificates.make_cloud(draft, names, process.environment(draft)),
    )
    return certificates.CloudCertificates(entry)


def make_verifier(entries, ports, clock, principals, iam_off):
    from verifier import Verifier  # imported here because it is slow; see VerifierEndpoint

    return Verifier(entries, ports, clock.now, principals, clock.is_expired, iam_off)


def actions(entries, clock, cloud, machine, principals):
    """The actions that tests can request with POST; see control.py."""

    def set_clock(body):
        life = body.get("life")
        clock.set(
            float(body["offset"]), int(body.get("oldest", 0)), None if life is None else float(life)
        )

    def set_machine(body):
        if body["instance_role"] is not None:
            entries.roles[body["instance_role"]]  # KeyError: there is no such role
        machine.instance_role, machine.seconds = body["instance_role"], float(body["seconds"])

    return {
        "/clock": set_clock,
        "/machine": set_machine,
        "/faults": cloud.faults.replace,
        "/sso": cloud.oidc.log_in,
        "/sso-over": cloud.oidc.log_out,
        "/login": cloud.signin.log_in,
        "/login-over": cloud.signin.log_out,
        "/policies": lambda body: principals.change(body["access_key"], body["policies"]),
        "/role": lambda body: cloud.roles.change(body["arn"], body["trust"], body["policies"]),
        "/expire": lambda body: principals.expire(body["access_key"]),
        "/revoke": lambda body: principals.revoke(body["access_key"]),
    }


def set_iam(entries, iam_off, body):
    """Enables or disables IAM authentication for one engine."""
    engine = entries.databases[body["engine"]].engine
    (iam_off.discard if body["is_enabled"] else iam_off.add)(engine)


def reset(steering, entries, cloud, principals, postgresql, journals, iam_off):
    """Undoes the actions of tests. Sessions that were issued to earlier tests stay valid until they expire, and
    registered logins stay."""
    steering["/clock"]({"offset": 0})
    steering["/faults"]([])
    steering["/machine"]({"instance_role": entries.cloud.instance_role, "seconds": MACHINE_SECONDS})
    principals.reset(entries)
    cloud.roles.reset(entries)
    postgresql.reset_parameter()
    iam_off.clear()
    for journal in journals:
        journal.clear()


def count_live(journal, clock):
    """The number of accepted tokens that have not expired by the lab's clock."""
    accepted = (entry for entry in journal.entries() if entry["reason"] is None)
    return sum(not clock.is_expired(entry["signed_at"]) for entry in accepted)


def prepare(running, root):
    """Makes the servers' templates in threads. Each thread ends after the programs that it starts; process.py explains
    why."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(server.prepare, root) for server in running]:
            done.result()


def describe(directory, trust, running, control, endpoint):
    """The data about this lab that rdslab.py needs and lab.json does not contain."""
    return {
        "pid": os.getpid(),
        "directory": str(directory),
        "certificates": str(trust.directory),
        "control": control.url,
        "verifier": endpoint.socket_name,
        "ports": {server.engine: server.port for server in running},
        "server_pids": {server.engine: server.process.pid for server in running},
    }


def describe_cloud(cloud_trust, networks):
    """The data about the AWS services that rdslab.py needs and lab.json does not contain."""
    return {
        "cloud_certificates": str(cloud_trust.directory),
        "cloud_ports": networks.ports,
        "network": networks.socket_name,
    }


def watch(running):
    """Waits until a server ends. Raises its LabError."""
    descriptors = {os.pidfd_open(server.process.pid): server for server in running}
    ended, _, _ = select.select(list(descriptors), [], [])
    raise descriptors[ended[0]].failure("ended unexpectedly")


def announce(message):
    with contextlib.suppress(OSError):  # if the lab was left running, no process reads its output
        print(json.dumps(message), flush=True)


def on_stop(number, frame):
    ignore_signals()
    raise Stopped


def ignore_signals():
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
