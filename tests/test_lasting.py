"""What JSON takes that is kept."""

import tracemalloc

import orjson

from app.lasting import lasting_json


def test_it_takes_no_more_memory_than_it_has_bytes():
    value = {"name": "Ada" * 30}

    tracemalloc.start()
    kept = [lasting_json(value) for _ in range(100)]
    taken_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept[0] == orjson.dumps(value)
    assert taken_bytes < 100 * (len(kept[0]) + 100)
