# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program on a terminal of its own, as somebody who types sees it."""

import os
import pty
import re
import select
import signal
import termios
import time


class Terminal:
    """with Terminal(program, arguments, env) as terminal: terminal.see("virsh # ").type("list\\n") ..."""

    def __init__(self, program, arguments, env, seconds=30, cwd=None):
        self.seconds = seconds
        self.text = ""  # all that was shown
        self.at = 0     # up to here it was waited for
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                if cwd:
                    os.chdir(cwd)
                os.execve(program, [program, *arguments], env)
            finally:
                os._exit(127)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def read(self, seconds):
        """More text; False at the end, or when there was none for so long."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the other side has gone
            return False
        self.text += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)

    def see(self, pattern):
        """Wait until this (a regular expression) stands behind what was seen before; the text up to there."""
        deadline = time.monotonic() + self.seconds
        while True:
            found = re.search(pattern, self.text[self.at:])
            if found:
                shown = self.text[self.at:self.at + found.end()]
                self.at += found.end()
                return shown
            left = deadline - time.monotonic()
            if left < 0 or not self.read(left):
                raise AssertionError(f"{pattern!r} does not come behind {self.text[self.at:][-600:]!r}, before that {self.text[:self.at][-300:]!r}")

    def raw(self):
        """Wait until the program has taken over the terminal: what is typed before that is thrown away."""
        deadline = time.monotonic() + self.seconds
        while termios.tcgetattr(self.fd)[3] & termios.ICANON:
            assert time.monotonic() < deadline, f"the terminal isn't raw: {self.text[-600:]!r}"
            self.read(0.01)
        return self

    def type(self, text):
        os.write(self.fd, text.encode())
        return self

    def ask(self, line, pattern):
        """Type a line and wait for its answer."""
        self.type(line + "\n")
        return self.see(pattern)

    def end(self):
        """Wait for the program's end: (exit status, what it showed last)."""
        deadline = time.monotonic() + self.seconds
        while self.read(max(0, deadline - time.monotonic())):
            pass
        assert time.monotonic() < deadline, f"it does not end: {self.text[-600:]!r}"
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status, self.text[self.at:]
