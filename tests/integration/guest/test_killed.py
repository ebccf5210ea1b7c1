# SPDX-License-Identifier: MIT
"""The short form of long/test_kills_files.py: commands that write files, killed before each system call that writes,
renames or syncs a file. Each file then has its complete old contents or its complete new contents, and the next run
succeeds."""
import test_kills_files as long_form
from labcase import harness


class Short:
    kills = 0
    calls = ("pwrite64", "fsync", "renameat", "renameat2")


class UserFiles(Short, long_form.UserFiles):
    pass


class Store(Short, long_form.Store):
    pass


class Cache(Short, long_form.Cache):
    pass


if __name__ == "__main__":
    harness.main()
