"""C02: neither process starts with the other's keys, and the web process holds none of them while it runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import MakeWorld
from tests.journeys.processes import ROOT
from tests.journeys.worlds import World
from workers.setup import KEY_FILES, WORKER_ONLY

pytestmark = [pytest.mark.faults, pytest.mark.sockets]

WORKERS_KEYS = ("PEYVAND_SEAL_PRIVATE_KEY", "PEYVAND_INDEX_KEY")
VALUE = "1:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"


def _forms(names: tuple[str, ...]) -> list[str]:
    return [form for name in names for form in (name, f"{name}_FILE")]


@pytest.mark.parametrize("name", _forms(WORKER_ONLY))
def test_C02_the_web_process_does_not_start_with_a_key_of_the_worker(
    name: str, sqlite_world: MakeWorld, tmp_path: Path
) -> None:
    said = _start(sqlite_world(), "web", name, tmp_path)
    assert name in said
    assert "web" in said
    assert VALUE not in said


@pytest.mark.parametrize("name", _forms(("PEYVAND_SECRET_KEY",)))
def test_C02_the_worker_does_not_start_with_the_key_of_the_web_process(
    name: str, sqlite_world: MakeWorld, tmp_path: Path
) -> None:
    said = _start(sqlite_world(), "worker", name, tmp_path)
    assert name in said
    assert "worker" in said
    assert VALUE not in said


def test_C02_the_running_web_process_has_no_private_key_anywhere_it_could_read(
    sqlite_world: MakeWorld,
) -> None:
    # given both processes at work
    world = sqlite_world()
    world.start()
    world.ask("asks@elsewhere.example")
    world.wait_for_mail("asks@elsewhere.example")
    secrets = {name: (world.keys / KEY_FILES[name]).read_text().strip() for name in WORKERS_KEYS}
    # then neither the web's environment, nor its open files, nor its memory hold one
    for pid in _family(world.web.pid):
        around = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace")
        assert "PEYVAND_SEAL_PUBLIC_KEY" in around
        for name, secret in secrets.items():
            assert name not in around
            assert secret not in around
            assert secret.partition(":")[2].encode() not in _memory(pid)
        assert not [file for file in _open_files(pid) if file.is_relative_to(world.keys / "worker")]
    # while the worker has them, so that the look was not in vain
    index_key = secrets["PEYVAND_INDEX_KEY"].partition(":")[2].encode()
    assert any(index_key in _memory(pid) for pid in _family(world.worker.pid))


def _start(world: World, role: str, name: str, tmp_path: Path) -> str:
    """Try to start a process with a key that is not its own; what it said."""
    value = VALUE
    if name.endswith("_FILE"):
        file = tmp_path / "key"
        file.write_text(VALUE)
        value = str(file)
    command = (
        [sys.executable, "-c", "import wsgi"]
        if role == "web"
        else [sys.executable, "-m", "workers", "run"]
    )
    environment = {
        key: known
        for key, known in world.environment(role).items()
        if key.removesuffix("_FILE") != name.removesuffix("_FILE")
    }
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, name: value},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    return done.stdout + done.stderr


def _family(pid: int) -> list[int]:
    """A process and all its children."""
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in below for one in _family(int(child)))]


def _open_files(pid: int) -> list[Path]:
    return [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()]


def _memory(pid: int) -> bytes:
    """What the process may write to and read: where a key would lie."""
    kept = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                kept.append(memory.read(end - start))
            except (OSError, ValueError, OverflowError):
                continue
    return b"\n".join(kept)
