"""The commands as a shell calls them: what they print and what they exit with."""

import asyncio
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.cli import main

CONFIG = Path(__file__).parents[2] / "config" / "endpoints.yaml"
BLACKBOX = """
modules:
  page:
    prober: http
    timeout: 2s
    http:
      preferred_ip_protocol: ip4
      fail_if_body_not_matches_regexp: [Một cửa]
  connect:
    prober: tcp
    tcp: {preferred_ip_protocol: ip4}
"""
BODY = "<h1>Một cửa</h1>".encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


@pytest.fixture
def page() -> Iterator[int]:
    """A web server in a thread of its own: the command runs its own loop. Gives its port."""
    listening, ports = threading.Event(), []
    loop, ended = asyncio.new_event_loop(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER)
            await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async def serve() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            ports.append(server.sockets[0].getsockname()[1])
            listening.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    listening.wait()
    yield ports[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


@pytest.fixture
def modules(tmp_path: Path) -> str:
    file = tmp_path / "blackbox.yml"
    file.write_text(BLACKBOX)
    return str(file)


def test_a_good_file_is_said_to_be_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(CONFIG)]) == 0
    assert "168 points, 642 endpoints" in capsys.readouterr().out


def test_warnings_stand_apart_and_change_no_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "quiet.yaml"
    file.write_text(
        "modules: {}\n"
        "alerts:\n"
        "  channels: {inbox: {type: inbox}}\n"
        "  routes: [{name: all, to: inbox}, {name: late, to: inbox}]\n"
    )

    assert main(["validate", str(file)]) == 0

    out = capsys.readouterr().out
    warnings = out.split("\n\n")[1].splitlines()
    assert [line.split("; ")[0].removeprefix(f"{file}:") for line in warnings][1:] == [
        "2: alerts: messages link to nothing",
        "4: alerts.routes[1]: is never asked, all takes all of its incidents",
    ]
    assert "anchors" in warnings[0]
    assert out.endswith("3 warnings: allowed, but hardly meant.\n")


def test_ten_mistakes_are_ten_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "vantag: local\n"  # 1 unknown key
        "stable_after: 5\n"  # 2 a bare number
        "server: {listen: here}\n"  # 3 no address
        "modules:\n"
        "  a: {prober: htp}\n"  # 4 unknown prober
        "  b: {prober: tcp, tcp: {tls: maybe}}\n"  # 5 no boolean
        "  c: {prober: http, http: {oauth2: {client_id: x}}}\n"  # 6 not supported
        "kinds:\n"
        "  ward:\n"
        "    endpoints:\n"
        "      link: {module: b, target: '{hots}:80', link: true}\n"  # 7 unknown variable
        "points:\n"
        "  - {id: one, name: Một, kind: ward, host: one.example, depends_on: [nobody]}\n"  # 8 unknown parent
        "  - {id: one, name: Hai, kind: ward, host: two.example}\n"  # 9 the id stands twice
        "  - {id: three, name: Ba, kind: wrad, host: three.example}\n"  # 10 unknown kind
    )
    assert main(["validate", str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 10
    for line in lines:
        place, _, remedy = line.partition(";")
        assert place.startswith(f"{file}:"), line
        assert remedy, line
    assert {int(line.removeprefix(f"{file}:").partition(":")[0]) for line in lines} >= {
        1,
        2,
        3,
        5,
        6,
        7,
        11,
        13,
        14,
        15,
    }


@pytest.mark.parametrize(("text", "said"), [("a: 1\n", "1 mistake in "), ("a: 1\nb: 2\n", "2 mistakes in ")])
def test_mistakes_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    assert main(["validate", str(file)]) == 1
    assert capsys.readouterr().err == f"{said}{file}\n"


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((CONFIG.parent / "endpoints.schema.json").read_text())


def test_a_probe_by_hand_shows_its_phases(page: int, modules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", f"127.0.0.1:{page}", "--module", "page", "--config", modules]) == 0
    shown = capsys.readouterr().out
    assert "✔" in shown
    for phase in ("resolve", "connect", "processing", "transfer"):
        assert phase in shown


def test_a_probe_that_fails_says_why_and_exits_with_1(modules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "127.0.0.1:1", "--module", "connect", "--config", modules]) == 1
    assert "máy chủ từ chối kết nối TCP" in capsys.readouterr().out
    assert main(["probe", "127.0.0.1:1", "--module", "connect", "--config", modules, "--language", "en"]) == 1
    assert "refused" in capsys.readouterr().out


def test_a_probe_as_json(page: int, modules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", f"127.0.0.1:{page}", "--module", "page", "--config", modules, "--format", "json"]) == 0
    [result] = json.loads(capsys.readouterr().out)
    assert result["outcome"] == "up"
    assert result["facts"]["probe_http_status_code"] == 200
    assert result["phases"]["connect"] >= 0


def test_a_probe_as_metrics_is_blackbox_exporters_text(
    page: int, modules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", f"127.0.0.1:{page}", "--module", "page", "--config", modules, "--format", "metrics"]) == 0
    text = capsys.readouterr().out
    assert "\nprobe_success 1.0\n" in text
    assert 'probe_http_duration_seconds{phase="tls"} 0.0\n' in text
    assert "# TYPE probe_http_status_code gauge\nprobe_http_status_code 200.0\n" in text
    judged = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert judged.returncode in (0, 3), judged.stderr  # 3: blackbox_exporter's own names that its linter dislikes


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "has no point 'nowhere'"),
        (["phuong-cua-nam/lnk"], "has no endpoint 'lnk'; it has link, portal, exchange, dns"),
        (["phuong-cua-nam", "--format", "metrics"], "is of one endpoint"),
        (["127.0.0.1:1", "--module", "tpc"], "has no module 'tpc'"),
        (["127.0.0.1", "--module", "tcp_connect"], "module tcp_connect"),
    ],
)
def test_what_cannot_be_probed_is_said(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", *words, "--config", str(CONFIG)]) == 2
    assert said in capsys.readouterr().err


def test_a_spreadsheet_goes_out_and_comes_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, table = tmp_path / "endpoints.yaml", tmp_path / "points.csv"
    config.write_text(CONFIG.read_text())
    assert main(["inventory", "export", str(table), "--config", str(config)]) == 0
    assert main(["inventory", "import", str(table), "--config", str(config)]) == 0
    assert "0 added, 0 removed, 0 changed" in capsys.readouterr().out

    table.write_text(table.read_text().replace("Phường Cửa Nam", "Phường Cửa Nam mới"))
    assert main(["inventory", "import", str(table), "--config", str(config), "--dry-run"]) == 0
    assert "Phường Cửa Nam -> Phường Cửa Nam mới" in capsys.readouterr().out
    assert "Cửa Nam mới" not in config.read_text()
    assert main(["inventory", "import", str(table), "--config", str(config), "--yes"]) == 0
    assert "Cửa Nam mới" in config.read_text()
    assert config.read_text().startswith(CONFIG.read_text()[:2000]), "comments survive"


def test_an_import_asks_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, table = tmp_path / "endpoints.yaml", tmp_path / "points.csv"
    config.write_text(CONFIG.read_text())
    main(["inventory", "export", str(table), "--config", str(config)])
    table.write_text(table.read_text().replace("Phường Cửa Nam", "Phường Cửa Nam mới"))
    with (tmp_path / "answers").open("w+") as answers:
        answers.write("n\n")
        answers.seek(0)
        monkeypatch.setattr("sys.stdin", answers)
        assert main(["inventory", "import", str(table), "--config", str(config)]) == 1
        assert main(["inventory", "import", str(table), "--config", str(config)]) == 1, "nobody answers"
    assert config.read_text() == CONFIG.read_text()
    assert "Nothing is written" in capsys.readouterr().out


def test_a_bad_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "points.csv"
    table.write_text("name\nPhường Cửa Nam\n")
    assert main(["inventory", "import", str(table), "--config", str(CONFIG)]) == 1
    assert "the column is missing" in capsys.readouterr().err
    assert main(["inventory", "export", str(tmp_path / "no" / "x.csv"), "--config", str(CONFIG)]) == 1


def test_a_bad_file_keeps_run_from_starting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("points:\n\t- x\n")
    for command in ("run", "demo"):
        assert main([command, "--config", str(file)]) == 1
        assert f"{file}:2" in capsys.readouterr().err


def test_help_is_enough_to_get_started(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["run"], ["demo"], ["probe"], ["validate"], ["inventory"], ["inventory", "import"]):
        with pytest.raises(SystemExit) as left:
            main([*words, "--help"])
        assert left.value.code == 0
        assert len(capsys.readouterr().out) > 200
    with pytest.raises(SystemExit) as left:
        main(["run", "--listen", "nonsense"])
    assert left.value.code == 2
    assert "write for example 127.0.0.1:8080" in capsys.readouterr().err
