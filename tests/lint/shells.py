# SPDX-License-Identifier: MIT
"""Completes a command line in a real shell: bash, zsh or fish on a terminal of its own. Shell.complete() returns the
words that the shell offers, and the completed line."""
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import termios
import time


SECONDS = 60  # a shell that does not answer for so long has failed
MARK = "\x1d"  # cannot be part of a completion
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x1b\(B|\r|\x07")
DESCRIPTION = re.compile(r"\s+-- .*")

# Ctrl-G prints the current command line between two marks. The shell has printed the list of completions before that.
BASH = r"""
PS1=; bind 'set show-all-if-ambiguous on'; bind 'set completion-query-items -1'; bind 'set page-completions off'
bind 'set completion-display-width 0'; bind 'set enable-bracketed-paste off'
bind 'set show-all-if-unmodified on'; set +o history
show() { printf '\35%s\35' "$READLINE_LINE"; }; bind -x '"\C-g": show'
"""
ZSH = r"""
PS1=; PS2=; unsetopt zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste; unsetopt prompt_sp prompt_cr beep
setopt auto_list; unsetopt list_ambiguous list_packed; LISTMAX=10000
autoload -Uz compinit; compinit -u -D
zstyle ':completion:*' list-separator '--'; zstyle ':completion:*' list-grouped no
show() { print -rn -- $'\x1d'"$BUFFER"$'\x1d' }; zle -N show; bindkey '^G' show
"""
FISH = r"""
function fish_prompt; end
set -g fish_autosuggestion_enabled 0
set -g fish_complete_path /usr/share/fish/completions; set -g fish_function_path $fish_function_path /usr/share/fish/functions
bind \cg 'printf "\x1d%s\x1d" (commandline | string collect)'
"""


class Terminal:
    """A shell on a pseudo terminal of 200 lines and 200 columns."""

    def __init__(self, argv, env, cwd):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(shutil.which(argv[0]), argv, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 200, 0, 0))

    def send(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, end, count=1):
        """Returns the output up to the count-th `end`."""
        text, until = "", time.monotonic() + SECONDS
        while text.count(end) < count:
            ready, _, _ = select.select([self.fd], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise TimeoutError(f"the shell printed {text[-2000:]!r}")
            text += os.read(self.fd, 65536).decode(errors="replace")
        return text

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class Shell:
    """Completes lines in bash, zsh or fish. `setup` is run first, and must define the completions."""

    def __init__(self, argv, setup, env, cwd):
        self.terminal = Terminal(argv, {"TERM": "xterm", "LC_ALL": "C.UTF-8", **env}, cwd)
        script = pathlib.Path(cwd) / "setup"
        script.write_text(setup, encoding="utf-8")
        self.terminal.send(f" . {script}; printf '\\35rea''dy\\35'\n")
        self.terminal.read_until(f"{MARK}ready{MARK}")

    def complete(self, line):
        """Returns (the words that are listed, the line afterwards)."""
        self.terminal.send("\x15\x07")  # Ctrl-U removes the line of the previous call
        self.terminal.read_until(MARK, 2)
        self.terminal.send(line + "\t\x07")
        text = ESCAPES.sub(" ", self.terminal.read_until(MARK, 2))
        listed, after = text.split(MARK)[:2]
        words = {word for each in listed.split("\n") for word in DESCRIPTION.sub("", each).split()}
        # The shell also prints the line itself, sometimes letter by letter.
        return sorted(word for word in words - set(line.split()) if len(word) > 1), after.strip(" ")

    def complete_line(self, line):
        """Returns the line afterwards, with all its blanks."""
        self.terminal.send("\x15\x07")
        self.terminal.read_until(MARK, 2)
        self.terminal.send(line + "\t\x07")
        return self.terminal.read_until(MARK, 2).split(MARK)[1]

    def press_enter(self):
        """Runs the current command line, and waits until the command has ended."""
        self.terminal.send("\n printf '\\35en''ded\\35'\n")
        self.terminal.read_until(f"{MARK}ended{MARK}")

    def close(self):
        self.terminal.close()
