# SPDX-License-Identifier: MIT
"""The time to open a passfile that the agent serves, compared with a plain file that has the same text and is in
the same directory. The opens of both files alternate, so that a busy machine slows both. The benchmark fails only if
an open of the passfile returns no token. A slow open is not a failure."""
import statistics
import time

import series
from labcase import harness
from test_agent_lease import LeaseCase

OPENS = 3000


def timed(path):
    start = time.perf_counter_ns()
    text = path.read_bytes()
    return (time.perf_counter_ns() - start) / 1000, text


def report(name, what, times):
    cuts = statistics.quantiles(times, n=100)
    series.record(name and f"{name}_p50", f"{what}: p50", [cuts[49]], "us", f"{len(times)} opens")
    series.record(name and f"{name}_p99", f"{what}: p99", [cuts[98]], "us")


class Open(LeaseCase):
    def test_an_open_beside_a_plain_file(self):
        self.services.add("prod")
        plain = self.services.directory / "plain"
        at_rest, in_a_row, plainly = [], [], []
        with self.services.agent("etl-session"):
            plain.write_bytes(timed(self.services.passfile("prod"))[1])
            for _ in range(OPENS):
                plainly.append(timed(plain)[0])
                duration, text = timed(self.services.passfile("prod"))
                in_a_row.append(duration)
                self.assertIn(b"X-Amz-Signature", text)
            for _ in range(OPENS // 10):
                self.await_rest()
                duration, text = timed(self.services.passfile("prod"))
                at_rest.append(duration)
                self.assertIn(b"X-Amz-Signature", text)
            plain.unlink()
        report(None, "a plain file", plainly)
        report(None, "a passfile, opens in a row", in_a_row)
        report("rest", "a passfile at rest", at_rest)
        ratio = statistics.median(at_rest) / statistics.median(plainly)
        print(f"# opening a passfile at rest takes as long as opening {ratio:.1f} plain files")


if __name__ == "__main__":
    harness.main()
