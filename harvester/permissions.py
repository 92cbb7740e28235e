"""Who may write to what a process makes."""

import os
import stat


def close_to_others() -> None:
    """Let nobody but owner and group write to what this process makes from now on, whatever the umask was."""
    os.umask(os.umask(0o077) | stat.S_IWOTH)
