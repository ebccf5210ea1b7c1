# SPDX-License-Identifier: MIT
"""Blocks of the documents: from RECIPES.md, the policies of an access role, the SQL that makes database users, and the
service's configuration; from the README, the commands that install from source. The arguments of a function replace the
placeholders (words in capitals) of its block.

The lab uses these blocks, so the tests test what the documents show. A missing or repeated block is an error.
"""
import json

from documents import README, RECIPES, block, commands, filled


def trust_policy(**values):
    """The trust policy of the access role."""
    return json.loads(filled(RECIPES, block(RECIPES, "json", '"Principal": {"AWS"'), values))


def access_policy(**values):
    """The policy that allows the access role to connect to one database."""
    return json.loads(filled(RECIPES, block(RECIPES, "json", '"rds-db:connect"'), values))


def configuration(**values):
    """The service's file ~/.config/rds-iam/config."""
    return filled(RECIPES, block(RECIPES, "ini", "session_tags"), values)


def statements(title):
    """The SQL block whose first line is a comment with this title."""
    return block(RECIPES, "sql", f"-- {title}\n")


def install_steps():
    """The README's commands that install from source, as a list of lines."""
    return commands(block(README, "sh", "meson setup"))
