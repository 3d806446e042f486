import signal

import pytest

from infra.local.interrupts import Interrupted, Interrupts


def test_a_signal_waits_until_it_may_interrupt(capfd: pytest.CaptureFixture[str]) -> None:
    reached = []

    def starting_then_working() -> None:
        with Interrupts() as interrupts:
            interrupts.check()
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            reached.append("started")
            with interrupts.at_once():
                reached.append("worked")

    with pytest.raises(Interrupted) as ended:
        starting_then_working()
    assert (reached, ended.value.code) == (["started"], 143)
    assert capfd.readouterr().err == "\nStopping ...\n"


def test_at_once_means_at_once_and_only_there() -> None:
    reached = []

    def working_then_stopping() -> None:
        with Interrupts() as interrupts:
            try:
                with interrupts.at_once():
                    signal.raise_signal(signal.SIGTERM)
                    reached.append("worked")
            finally:
                signal.raise_signal(signal.SIGINT)
                reached.append("stopped")

    with pytest.raises(Interrupted):
        working_then_stopping()
    assert reached == ["stopped"]


def test_what_the_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts, interrupts.at_once():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
