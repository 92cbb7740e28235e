"""How much memory a process has had, as the kernel knows it; where there is no /proc nothing is known.

`wait4` will not do: what it says of a child begins with what its parent had when it was forked.
"""

import subprocess
import time
from pathlib import Path

KNOWN = Path("/proc/self/status").exists()


def memory_of(pid: int, name: str = "VmHWM") -> int:
    """Bytes: the most that a process has had so far (VmHWM), or has (VmRSS); 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:")), 0)


def ended(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a process to end. Returns the most memory that it was seen to have, in bytes."""
    most = 0
    while process.poll() is None:
        most = max(most, memory_of(process.pid))
        time.sleep(0.02)
    return most
