"""Flight with pyarrow as the client: python3 flight.py TARGET ROWS COLUMNS REPEATS

The same table of ROWS x COLUMNS float64 goes to and comes from the Armilla server at TARGET and pyarrow's own C++ server, which
keeps the table and does nothing else; in turns. Armilla indexes and digests what is put, and matches what is exchanged: the
answer is as long as the table, as the echo of the other server is. Prints one JSON object: {version, bytes, armilla: {get: [s],
put, exchange}, pyarrow: {...}}.
"""

import json
import multiprocessing
import sys
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.flight as fl

# 1 MiB, as Armilla sends them.
BATCH_BYTES = 1 << 20


class Keeper(fl.FlightServerBase):
    table = None

    def do_put(self, context, descriptor, reader, writer):
        self.table = reader.read_all()

    def do_get(self, context, ticket):
        return fl.RecordBatchStream(self.table)

    def do_exchange(self, context, descriptor, reader, writer):
        writer.begin(reader.schema)
        for chunk in reader:
            if chunk.data is not None:
                writer.write_batch(chunk.data)


def keep(port):
    server = Keeper("grpc://127.0.0.1:0")
    port.put(server.port)
    server.serve()


def timed(work):
    start = time.perf_counter()
    count = work()
    return time.perf_counter() - start, count


def put(client, name, table):
    row_count = sum(batch.num_rows for batch in table)
    command = json.dumps({"table": name, "replace": True, "row_count": row_count}).encode()
    writer, reader = client.do_put(fl.FlightDescriptor.for_command(command), table.schema)
    for batch in table:
        writer.write_batch(batch)
    writer.done_writing()
    reader.read()
    writer.close()
    return row_count


def get(client, name):
    return client.do_get(fl.Ticket(json.dumps({"table": name}).encode())).read_all().num_rows


def exchange(client, command, table):
    writer, reader = client.do_exchange(fl.FlightDescriptor.for_command(json.dumps(command).encode()))

    def send():
        writer.begin(table.schema)
        for batch in table:
            writer.write_batch(batch)
        writer.done_writing()

    sender = threading.Thread(target=send)
    sender.start()
    count = reader.read_all().num_rows
    sender.join()
    writer.close()
    return count


class Batches(list):
    def __init__(self, table, row_count):
        super().__init__(table.to_batches(max_chunksize=row_count))
        self.schema = table.schema


def main():
    target, rows, columns, repeats = sys.argv[1], *map(int, sys.argv[2:5])
    rng = np.random.default_rng(1)
    data = {"ra": rng.uniform(0, 360, rows), "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, rows)))}
    data.update({f"c{i}": rng.random(rows) for i in range(columns - 2)})
    whole = pa.table(data)
    table = Batches(whole, BATCH_BYTES // (8 * columns))

    port = multiprocessing.Queue()
    keeper = multiprocessing.Process(target=keep, args=(port,), daemon=True)
    keeper.start()
    clients = {"armilla": fl.connect(f"grpc://{target}"), "pyarrow": fl.connect(f"grpc://127.0.0.1:{port.get()}")}
    put(clients["armilla"], "bench-right", Batches(whole.select(["ra", "dec"]), 65536))
    match = {"right": "bench-right", "left_row_count": rows, "radius_arcsec": 1, "join": "left", "order": "left", "columns": ["left.*"]}
    works = {
        "put": lambda client: put(client, "bench", table),
        "get": lambda client: get(client, "bench"),
        "exchange": lambda client: exchange(client, match, table),
    }
    result = {name: {work: [] for work in works} for name in clients}
    for repeat in range(-1, repeats):
        for work, run in works.items():
            for name, client in clients.items():
                seconds, count = timed(lambda: run(client))
                assert count == rows, (name, work, count)
                if repeat >= 0:
                    result[name][work].append(seconds)
    for name in ("bench", "bench-right"):
        list(clients["armilla"].do_action(fl.Action("delete-table", json.dumps({"table": name}).encode())))
    keeper.terminate()
    print(json.dumps({"version": pa.__version__, "bytes": rows * columns * 8, **result}))


if __name__ == "__main__":
    main()
