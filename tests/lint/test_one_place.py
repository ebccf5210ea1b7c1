# SPDX-License-Identifier: MIT
"""Functions that every folder needs are implemented in one file only, and no file calls the C library's functions for
dates."""
import pathlib
import re
import tempfile
import unittest

import harness

FOLDERS = ("common", "mysql_plugin", "pg_plugin")
COMMENT = re.compile(r"/\*.*?\*/", re.S)

# (the task, the files that may implement it, a pattern that the task's code matches, examples that match the pattern)
# The control adds the examples to a scratch tree.
RULES = (
    ("letters, digits and blanks", {"common/base/ascii.h"},
     re.compile(r"""<ctype\.h>|<strings\.h>|\bis(?:alnum|alpha|digit|space|cntrl|upper|lower|xdigit|print)\(
                |\bto(?:lower|upper)\(|\bstrn?case(?:cmp|str)\(|[<>]=\s*'[aAzZ09]'
                |ABCDEFGHIJKLMNOPQRSTUVWXYZ|(?<!")"0123456789""", re.X),
     ("#include <ctype.h>", "if (isspace((unsigned char)c)) {", "c = tolower(c);",
      "strcasecmp(a, b) == 0", "return c >= 'a' && c <= 'z';", 'strspn(text, "0123456789")')),
    ("a hash of a text", {"common/base/ascii.h"},
     re.compile(r"0xcbf29ce484222325|14695981039346656037|2166136261|16777619|0x100000001b3|1099511628211", re.I),
     ("uint32_t hash = 2166136261U;", "hash *= 0x100000001B3;", "key = 14695981039346656037U;")),
    ("a port", {"common/base/ascii.c"},
     re.compile(r"port\w*\s*=\s*\(?\w*\)?\s*(?:\(port\w* \* 10|strto|ato)"),
     ("port = (port * 10) + digit;", "unsigned long port = strtoul(text, &end, 10);", "port = atoi(text);")),
    ("the replacement of a file", {"common/base/file.c"},
     re.compile(r"\brename(?:at2?)?\(|\bmk(?:o?stemp|temp)|\bp?write\([^;]*\+|O_CREAT \| O_EXCL"),
     ("renameat(directory, fresh, directory, name);", "if (rename(fresh, path) != 0) {", "int fd = mkstemp(path);",
      "write(fd, text + done, len - done);", "open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);")),
    ("a date", set(),
     re.compile(r"\b(?:gmtime|localtime|strftime|strptime|mktime|timegm|ctime|asctime|tzset)(?:_r)?\("),
     ("gmtime_r(&now, &date);", 'strftime(text, sizeof(text), "%F", &date);', "localtime(&now);", "mktime(&date)")),
)


def code(path):
    """The source without its comments, with the same number of lines."""
    text = path.read_text(encoding="utf-8")
    return COMMENT.sub(lambda match: "\n" * match.group(0).count("\n"), text)


def violations(root):
    found = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]")):
            name = path.relative_to(root).as_posix()
            for number, line in enumerate(code(path).split("\n"), 1):
                found += [(f"{name}:{number}", what) for what, places, pattern, _ in RULES
                          if name not in places and pattern.search(line)]
    return found


class OnePlace(unittest.TestCase):
    def test_no_other_file_implements_the_task(self):
        self.assertEqual(violations(harness.SOURCE), [])

    def test_control_each_permitted_file_implements_its_task(self):
        for what, places, pattern, _ in RULES:
            for place in places:
                self.assertTrue(any(pattern.search(line) for line in code(harness.SOURCE / place).split("\n")),
                                (what, place))

    def test_control_each_planted_line_is_found(self):
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            root = pathlib.Path(scratch)
            expected = []
            for folder in FOLDERS:
                (root / folder).mkdir()
            for i, (what, _, _, planted) in enumerate(RULES):
                path = root / FOLDERS[i % len(FOLDERS)] / f"planted{i}.c"
                path.write_text("/* strcasecmp( gmtime( */\n" + "\n".join(planted) + "\n", encoding="utf-8")
                expected += [(f"{path.relative_to(root)}:{n}", what) for n in range(2, len(planted) + 2)]
            self.assertEqual(sorted(violations(root)), sorted(expected))


harness.main()
