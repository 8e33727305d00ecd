"""Ctrl-C, progress and Python's lock during calls that take time."""

import os
import signal
import threading
import time

import pytest

import pare


def inspect(model, **options):
    return model.inspect(quantiles=(0.5, 0.9), **options)


@pytest.fixture
def interruptible():
    """A process in a shell's background ignores SIGINT, and Python then has no handler for it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_interrupts(zeros, interruptible):
    model = pare.open(zeros)
    start = time.monotonic()
    inspect(model, threads=1)
    whole = time.monotonic() - start
    timer = threading.Timer(0.1 * whole, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(100):
            inspect(model, threads=1)
    timer.join()
    assert inspect(model).overall.zeros == 1 << 27, "the model is usable after an interrupt"


def test_progress_is_reported_on_the_calling_thread(zeros):
    seen = []
    inspect(pare.open(zeros), threads=1, progress=lambda *news: seen.append((threading.get_ident(), *news)))
    assert seen and {entry[0] for entry in seen} == {threading.get_ident()}
    fractions = [fraction for _, _, fraction, _ in seen]
    assert all(0 <= fraction <= 1 for fraction in fractions)


def test_an_exception_of_progress_ends_the_call(zeros):
    def fail(step, fraction, number_of_bytes):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        inspect(pare.open(zeros), threads=1, progress=fail)


def test_a_bar_of_tqdm(zeros, monkeypatch, capsys):
    pytest.importorskip("tqdm")
    from pare import _progress

    monkeypatch.setattr(_progress, "_FIRST_SECONDS", 0)
    inspect(pare.open(zeros), threads=1, progress=True)
    assert "inspecting" in capsys.readouterr().err
    inspect(pare.open(zeros), progress=False)
    assert capsys.readouterr().err == ""


def test_other_threads_run_meanwhile(zeros):
    model = pare.open(zeros)
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    inspect(model, threads=1)
    stop.set()
    thread.join()
    assert counted[0] > 5
