"""A reactor whose clock goes back goes on all the same."""

import subprocess
import sys

SCRIPT = """
import time
from twisted.internet import asyncioreactor
asyncioreactor.install()
from twisted.internet import reactor
from harvester.ratelimit.steadyclock import keep_steady

gone_back = 0
type(reactor).seconds = staticmethod(lambda: time.time() - gone_back)
said = []
reactor.callLater(0.05, said.append, "planned before")
late = reactor.callLater(3600, said.append, "too early")
if {steady}:
    keep_steady(reactor)
    keep_steady(reactor)
gone_back = 3600
reactor.callLater(0.1, said.append, "planned after")
late.reset(7200)
reactor._asyncioEventloop.call_later(0.5, reactor.stop)
reactor.run()
print(said)
"""


def said(steady: bool) -> str:
    script = SCRIPT.format(steady=steady)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def test_what_is_planned_comes_in_time_though_the_clock_goes_back_an_hour():
    assert said(steady=True) == "['planned before', 'planned after']"


def test_the_fault_is_there_without_it():
    assert "planned before" not in said(steady=False)
