"""A real Prometheus takes our inventory and probes it through a real blackbox_exporter."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from monitor.cli import main
from tests.integration.stack.processes import blackbox_exporter, free_port, monitor, prometheus, until

ROOT = Path(__file__).parents[3]
OURS = ("point", "kind", "area", "endpoint", "module", "instance")


@asynccontextmanager
async def page() -> AsyncIterator[int]:
    """A page that only answers under one name; its port."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="Một cửa", status=200 if request.headers["Host"] == "minh-chau.test" else 404)

    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def write(folder: Path, port: int, closed: int) -> Path:
    """A file with a point that is well, one that isn't, and one that isn't declared."""
    ward = {
        "link": {"module": "connect", "target": f"{{host}}:{port}", "link": True},
        "portal": {"module": "page", "target": f"http://{{host}}:{port}/"},
    }
    host = {"options": {"headers": {"Host": "minh-chau.test"}}}
    content = {
        "server": {"listen": "127.0.0.1:0"},
        "storage": {"url": f"sqlite+aiosqlite:///{folder}/monitor.db", "spool": f"{folder}/spool", "spool_size": "4MB"},
        "defaults": {"interval": "1s", "timeout": "500ms"},
        "modules": {
            "connect": {"prober": "tcp", "tcp": {"preferred_ip_protocol": "ip4"}},
            "page": {
                "prober": "http",
                "timeout": "900ms",
                "http": {"valid_status_codes": [200], "fail_if_body_not_matches_regexp": ["Một cửa"]},
            },
        },
        "kinds": {"ward": {"endpoints": ward}, "hub": {}},
        "areas": [{"id": "ba-vi", "name": "Ba Vì", "column": 1, "row": 1}],
        "points": [
            {"id": "hub", "kind": "hub", "name": "Hub", "host": "127.0.0.1",
             "endpoints": {"link": {"module": "connect", "target": f"{{host}}:{closed}", "link": True}}},
            {"id": "minh-chau", "kind": "ward", "name": "Minh Châu", "area": "ba-vi", "host": "127.0.0.1",
             "endpoints": {"portal": host}},
            {"id": "cua-nam", "kind": "ward", "name": "Cửa Nam", "host": "127.0.0.1"},
            {"id": "cho", "kind": "ward", "name": "Chưa khai báo", "host": "cho.example"},
        ],
    }  # fmt: skip
    path = folder / "endpoints.yaml"
    path.write_text(json.dumps(content))
    return path


def export(config: Path, name: str, form: str) -> Path:
    path = config.parent / name
    assert main(["inventory", "export", str(path), "--format", form, "--config", str(config)]) == 0
    return path


def scrape(job: str, exporter: str, **discovery: Any) -> dict[str, Any]:
    """A job as docs/operating.md has it."""
    return {
        "job_name": job,
        "metrics_path": "/probe",
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": exporter},
        ],
        **discovery,
    }


async def probed(address: str, job: str) -> Mapping[tuple[str, ...], str]:
    """``probe_success`` of a job by our labels."""
    async with aiohttp.ClientSession() as session:
        query = {"query": f'probe_success{{job="{job}"}}'}
        async with session.get(f"{address}/api/v1/query", params=query) as answer:
            found = (await answer.json())["data"]["result"]
    return {tuple(each["metric"].get(name, "") for name in OURS): each["value"][1] for each in found}


async def test_prometheus_probes_the_same_inventory(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        port, closed = await stack.enter_async_context(page()), free_port()
        config = await asyncio.to_thread(write, tmp_path, port, closed)
        targets = await asyncio.to_thread(export, config, "targets.json", "file_sd")
        exporter = await stack.enter_async_context(
            blackbox_exporter(await asyncio.to_thread(export, config, "blackbox.yml", "blackbox"))
        )
        ours = await stack.enter_async_context(monitor(config))
        configuration = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [
                scrape("http", exporter, http_sd_configs=[{"url": f"{ours}/api/v1/sd/blackbox"}]),
                scrape("file", exporter, file_sd_configs=[{"files": [str(targets)]}]),
                {
                    "job_name": "lienthong",
                    "honor_labels": True,
                    "static_configs": [{"targets": [ours.removeprefix("http://")]}],
                },
            ],
        }
        address = await stack.enter_async_context(prometheus(tmp_path / "prometheus", configuration))
        wanted = {
            ("hub", "hub", "", "link", "connect", f"127.0.0.1:{closed}"): "0",
            ("minh-chau", "ward", "ba-vi", "link", "connect", f"127.0.0.1:{port}"): "1",
            ("minh-chau", "ward", "ba-vi", "portal", "page", f"http://127.0.0.1:{port}/"): "1",
            ("cua-nam", "ward", "", "link", "connect", f"127.0.0.1:{port}"): "1",
            ("cua-nam", "ward", "", "portal", "page", f"http://127.0.0.1:{port}/"): "0",
        }
        for job in ("http", "file", "lienthong"):

            async def all_there(job: str = job) -> bool:
                return await probed(address, job) == wanted

            await until(all_there, f"the job {job} finds what we find: {wanted}")
        async with aiohttp.ClientSession() as session, session.get(f"{ours}/api/v1/sd/blackbox") as answer:
            assert answer.headers["Content-Type"] == "application/json"
            assert await answer.json() == json.loads(targets.read_text())


def test_an_export_takes_the_place_of_the_one_before_or_leaves_it(tmp_path: Path, capsys: Any) -> None:
    config = write(tmp_path, 80, 81)
    path = export(config, "targets.json", "file_sd")
    path.chmod(0o644)
    before = path.read_text()
    assert len(json.loads(before)) == 5
    config.write_text("points: 1")
    words = ["inventory", "export", str(path), "--format", "file_sd", "--config", str(config)]
    assert main(words) == 1
    assert path.read_text() == before
    write(tmp_path, 8080, 81)
    assert main(words) == 0
    assert ":8080" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644
    assert main([*words[:2], str(tmp_path / "no" / "x.json"), *words[3:]]) == 1
    assert "No such file" in capsys.readouterr().err


async def checked(*words: str) -> tuple[int | None, str]:
    started = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await started.communicate()
    return started.returncode, said.decode()


async def test_the_exporter_takes_the_modules_of_the_shipped_file(tmp_path: Path) -> None:
    path = tmp_path / "blackbox.yml"
    words = ["inventory", "export", str(path), "--format", "blackbox", "--config", str(ROOT / "config/endpoints.yaml")]
    assert main(words) == 0
    code, said = await checked("prometheus-blackbox-exporter", f"--config.file={path}", "--config.check")
    assert code == 0, said


async def test_what_operating_md_shows_is_taken(tmp_path: Path) -> None:
    """The examples of Prometheus' and Alertmanager's configuration, by promtool and amtool."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/operating.md").read_text(), re.DOTALL)
    (scraping,) = [block for block in blocks if "/api/v1/sd/blackbox" in block]
    (told,) = [block for block in blocks if "/api/v1/alertmanager" in block]
    path = tmp_path / "prometheus.yml"
    path.write_text(scraping)
    assert (await checked("promtool", "check", "config", str(path)))[0] == 0
    path = tmp_path / "alertmanager.yml"
    mail = "global: {smtp_smarthost: 'mail.test:25', smtp_from: giamsat@mail.test}\nroute: {receiver: truc-ban}\n"
    path.write_text(mail + told)
    code, said = await checked("amtool", "check-config", str(path))
    assert code == 0, said
