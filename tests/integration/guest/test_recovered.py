# SPDX-License-Identifier: MIT
"""The short form of long/test_recovery.py: after an outage of the network, a full or read-only home and a stopped
agent, each kind of login succeeds again, without a restart."""
import test_recovery as long_form
from labcase import harness

SECONDS = 2


class Network(long_form.Network):
    outage = SECONDS


class StoppedAgent(long_form.StoppedAgent):
    outage = SECONDS


class Disk(long_form.Disk):
    pass


if __name__ == "__main__":
    harness.main()
