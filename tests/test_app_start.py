"""How the app starts, where it listens, whom it lets in, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from t2c_ext import app
from t2c_ext.cli import main
from t2c_ext.errors import UserError
from t2c_ext.ui import listening
from t2c_ext.ui.listening import listen
from t2c_ext.ui.users import from_file, from_variable

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "no.such.name.invalid"], "no address or known name"),
        (["--host", ""], "no address or known name"),
        (["--host", "a" * 300], "no address or known name"),
        (["--host", "203.0.113.7", "--port", "7999"], "no address of this computer"),
        (["--port", "0"], "from 1 to 65535"),
        (["--port", "65536"], "from 1 to 65535"),
        (["--port", "-1"], "from 1 to 65535"),
    ],
)
def test_a_wrong_place_is_one_line_at_once(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["app", *arguments]) == 1
    told = capsys.readouterr().err
    assert words in told and len(told.splitlines()) == 1


def test_a_port_that_is_taken_is_one_line_before_anything_slow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)  # had it been looked for, its lack would be told
    with listen("127.0.0.1") as taken:
        port = taken.getsockname()[1]
        assert main(["app", "--port", str(port)]) == 1
    told = capsys.readouterr().err
    assert f"port {port} of 127.0.0.1 is taken" in told and len(told.splitlines()) == 1


def test_the_first_free_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(listening, "PORTS", range(port, port + 1))
        with pytest.raises(UserError, match="all taken"):
            listen("127.0.0.1")


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_addresses_of_ipv6_are_listened_at() -> None:
    try:
        with listen("::1") as here:
            assert here.family == socket.AF_INET6
    except UserError as error:
        assert "no address of this computer" in str(error)


def test_users_come_from_a_file_or_the_environment(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("\ufeff# who may come in\nanna:river:1\n\n ben:a, b\n", encoding="utf-8")
    assert from_file(users) == [("anna", "river:1"), ("ben", "a, b")]
    assert from_variable("anna:river, ben:fall,") == [("anna", "river"), ("ben", "fall")]
    assert from_variable("") == []


@pytest.mark.parametrize("text", ["anna", "anna:", ":river", "# nobody\n", ""])
def test_a_file_of_users_that_names_none_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    users = tmp_path / "users"
    users.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="USER:PASSWORD") as refused:
        from_file(users)
    assert "river" not in str(refused.value)
    with pytest.raises(UserError, match="cannot read"):
        from_file(tmp_path / "none")


def test_a_password_on_the_command_line_is_warned_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    users.write_text("ben:fall\n", encoding="utf-8")
    doors: list[app.Door] = []
    monkeypatch.setattr(app, "serve", lambda folder, model, door, keep: doors.append(door))
    monkeypatch.setenv("T2C_AUTH", "eva:lake")
    assert main(["app", "--auth", "anna:river", "--auth-file", str(users), "--allow-host", "cinema.example"]) == 0
    told = capsys.readouterr().err
    assert "--auth-file" in told and "river" not in told and len(told.splitlines()) == 1
    assert doors[0].users == [("eva", "lake"), ("ben", "fall"), ("anna", "river")]
    assert doors[0].hosts.allows("cinema.example") and not doors[0].alone
    assert main(["app", "--auth-file", str(users)]) == 0 and not capsys.readouterr().err


def test_a_public_address_is_allowed_and_its_failure_is_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gradio")
    from gradio import networking

    asked: list[dict[str, Any]] = []
    names: list[str] = []

    def tunnel(local_host: str, local_port: int, share_token: str) -> str:
        asked.append({"host": local_host, "port": local_port, "token": len(share_token) > 30})
        return "http://Abc123.gradio.example"

    monkeypatch.setattr(networking, "setup_tunnel", tunnel)
    assert app._public_address(app.Door("0.0.0.0", share=True), 7860, names.append) == "https://Abc123.gradio.example"
    assert asked == [{"host": "127.0.0.1", "port": 7860, "token": True}] and names == ["abc123.gradio.example"]
    monkeypatch.setattr(networking, "setup_tunnel", lambda: 1 / 0)
    assert app._public_address(app.Door(share=True), 7860, names.append) == ""
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
@pytest.mark.usefixtures("signals_heard")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP"])
def test_what_is_temporary_goes_with_the_app(tmp_path: Path, number: str) -> None:
    pytest.importorskip("gradio")
    dead = tmp_path / f".app-t2c{_machine()}-4194303-0a0b0c0d"
    dead.mkdir()
    (dead / "secret.png").touch()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "t2c_ext", "app", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert f"127.0.0.1:{port}" in process.stdout.readline()
        assert list(tmp_path.glob(".app-t2c*")) and not dead.exists()
        process.send_signal(getattr(signal, number))
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + getattr(signal, number) and told.strip() == "t2c: stopped"
    assert not list(tmp_path.glob(".app-t2c*"))


def _machine() -> str:
    from t2c_ext.temporaries import temporary_name

    return temporary_name(Path("app")).partition("-t2c")[2][:8]
