"""Batches on Ray, for real: a head and nodes as processes of this machine, some of which are killed."""

from __future__ import annotations

import json
import platform
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from batch_runs import ROOT, WORDS, begin, finish, kill, loops, make_model, make_pictures, manifest, wait_for

pytest.importorskip("ray", reason="Ray is not installed")
if metadata.version("pydantic").startswith("1."):
    pytest.skip("Ray runs with pydantic 2 only, and the WebUI's packages hold 1", allow_module_level=True)
if sys.platform != "linux":
    pytest.skip("the cluster's processes are found in /proc", allow_module_level=True)

from ray_cluster import Cluster

from t2c_ext.batch.cluster import RayPool, connect
from t2c_ext.batch.make import make
from t2c_ext.batch.order import Order
from t2c_ext.batch.plan import make_plan
from t2c_ext.batch.pool import Over
from t2c_ext.batch.rows import read_list
from t2c_ext.errors import UserError
from t2c_ext.keeper import Keeper
from t2c_ext.recipe import Recipe

pytestmark = [pytest.mark.thorough, pytest.mark.ray, pytest.mark.timeout(900)]

PICTURES, PROMPTS = 8, 1


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster(nodes=2)
    yield made
    made.close()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of pictures, and of prompts for a tiny model."""
    folder = tmp_path_factory.mktemp("rows")
    pictures, mask = make_pictures(folder, PICTURES)
    return write_rows(folder / "rows.jsonl", pictures, mask, make_model(folder), PROMPTS)


def write_rows(place: Path, pictures: Path, mask: Path, model: Path, prompts: int) -> Path:
    lines: list[dict[str, Any]] = [
        {"picture": str(path), "mask": str(mask), "seed": number}
        for number, path in enumerate(sorted(pictures.iterdir()))
    ]
    for number in range(prompts):
        text = {"prompt": "a river in the night", "name": f"t{number:03d}", "seed": number, "model": str(model)}
        lines.append(text | {"mask": str(mask), "steps": 2, "width": 64, "height": 64})
    place.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return place


def test_kills_of_workers_of_a_node_and_of_whoever_runs_it_lose_nothing(
    cluster: Cluster, rows: Path, tmp_path: Path
) -> None:
    out, chance = tmp_path / "out", random.Random(2)
    given = (rows, "-o", out, "--ray", cluster.address, *WORDS)
    first = begin(*given)
    wait_for(lambda: len(manifest(out)) >= 2)
    wait_for(lambda: bool(cluster.kill_a_worker(chance)))
    wait_for(lambda: len(manifest(out)) >= 4)
    kill(first)
    before = len(manifest(out))
    second = begin(*given, "--json")
    wait_for(lambda: len(manifest(out)) > before)
    number = cluster.kill_a_node(chance)
    cluster.add(number)
    code, said, err = finish(second)
    assert code == 0, err
    check_run(out, PICTURES + PROMPTS, kills=3)
    events = [json.loads(line) for line in said.splitlines()]
    assert events[0]["finished"] == before and events[-1]["done"] == PICTURES + PROMPTS - before
    workers = {event["worker"] for event in events if event["event"] == "progress"}
    assert workers, "what each worker does is told"
    assert loops(out) == made_here(rows, tmp_path / "calm")


def made_here(rows: Path, out: Path) -> dict[str, bytes]:
    """The loops and stills of the same rows, made one after the other in this process."""
    torch = pytest.importorskip("torch")
    recipe = Recipe().with_values({"motion": "river flowing left", "frames": 4, "format": "gif"})
    planned = make_plan(read_list(rows, recipe), [], lambda row: True).todo
    keeper, threads = Keeper(), torch.get_num_threads()
    torch.set_num_threads(1)  # as each worker has; the sums of a model's layers follow it
    for one in planned:
        row = one.row
        files = {"picture": row.picture, "masks": row.masks}
        order = Order(one.name, one.key, one.fingerprint, one.origin, row.label, row.recipe.values(), str(out), **files)
        assert make(order, keeper, lambda stage, done, total: None).document["state"] == "done"
    torch.set_num_threads(threads)
    shutil.rmtree(out / "unfinished")
    return loops(out)


def check_run(out: Path, count: int, kills: int) -> dict[str, int]:
    """Every row is done once, no stage was made twice, and nothing is half; how much was begun again."""
    lines = manifest(out)
    assert [line["state"] for line in lines] == ["done"] * count, [line.get("error") for line in lines]
    assert len({line["name"] for line in lines}) == count
    assert all(times == 1 for line in lines for times in line["made"].values())
    again = [line["begun"] for line in lines if "begun" in line]
    # each kill has at most the rows in its hand: of a node or a driver those of three workers
    assert len(again) <= 3 * kills
    assert not (out / "unfinished").exists()
    assert all(line["where"]["node"] for line in lines)
    return {"begun again": sum(sum(row.values()) - len(row) for row in again)}


def test_rows_go_to_workers_that_do_not_see_the_folder(cluster: Cluster, tmp_path: Path) -> None:
    """Their loops come back through the object store; what they lack is sent to them."""
    pictures, mask = make_pictures(tmp_path, 1)
    ray = connect(cluster.address)
    pool = RayPool(ray, [])
    try:
        values = Recipe().with_values({"motion": "river flowing left", "frames": 4, "format": "gif"}).values()
        picture = str(pictures / "p000.png")
        order = Order("a", "a-key", "f", "o", "row 1", values, "/nowhere", picture, masks=str(mask), token="seen-not")
        sent = {name: Path(name).read_bytes() for name in (picture, str(mask))}
        pool.submit(order, sent)
        found: list[Any] = []
        wait_for(lambda: bool(found.extend(pool.events(0.2)) or any(isinstance(one, Over) for one in found)))
        (over,) = (one for one in found if isinstance(one, Over))
        assert over.document["state"] == "done", over.document
        assert set(over.contents) == {"a.gif", "a.png"} and over.contents["a.gif"].startswith(b"GIF8")
    finally:
        pool.close()


# --- what is said where there is no cluster to join -------------------------------------------------------------------


def _refused(*arguments: object) -> str:
    code, _, err = finish(begin(*arguments))
    lines = err.strip().splitlines()
    assert code == 1 and len(lines) == 1, err
    return lines[0]


def test_no_cluster_there_is_one_line(tmp_path: Path) -> None:
    pictures, _ = make_pictures(tmp_path, 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    said = _refused(pictures, "-o", tmp_path / "out", "--ray", address)
    assert said.startswith(f"t2c: there is no Ray cluster at {address}:")
    with pytest.raises(UserError, match="no address of a Ray cluster"):
        connect("here:there")


def test_another_version_of_ray_is_one_line(cluster: Cluster) -> None:
    code = (
        "import ray; ray.__version__ = '2.9.9'\nfrom t2c_ext.batch.cluster import connect\n"
        f"try:\n    connect({cluster.address!r})\nexcept ValueError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    python = platform.python_version()
    assert done.stdout.strip().splitlines()[-1:] == [
        f"cannot join the Ray cluster at {cluster.address}: it runs Ray: "
        f"{metadata.version('ray')} Python: {python}, and here is Ray: 2.9.9 Python: {python}; both must be the same"
    ], done.stderr


def test_a_request_to_end_is_heard_as_before(cluster: Cluster) -> None:
    code = (
        "import os, signal\nfrom t2c_ext.batch.cluster import connect\nfrom t2c_ext.cli.signals import *\n"
        "def ask():\n    try:\n        os.kill(os.getpid(), signal.SIGTERM)\n    except Terminated:\n"
        f"        print('heard')\nwith ending_cleanly():\n    ray = connect({cluster.address!r})\n    ask()\n"
        "ray.shutdown()\nwith ending_cleanly():\n    ask()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout.split()) == (0, ["heard", "heard"]), done.stderr


def test_more_than_any_machine_holds_is_one_line(cluster: Cluster, tmp_path: Path) -> None:
    pictures, _ = make_pictures(tmp_path, 1)
    said = _refused(pictures, "-o", tmp_path / "out", "--ray", cluster.address, "--cpus", 64)
    assert "each asks for 64 processors, and the largest has 1" in said
