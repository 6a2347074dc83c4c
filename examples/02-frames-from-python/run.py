"""Matches two tables with grpcio and pyarrow alone: ArrowFrames are built and read by hand (proto/armilla/type/v1/frame.proto)."""
import os, struct
import grpc, pyarrow as pa

def varint(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)

def field(number, content):  # length-delimited
    return varint(number << 3 | 2) + varint(len(content)) + content

def frames(table, number):  # 0 left, 1 right; a message is header and body, cut at 1 MiB
    side = b"\x20\x01" if number else b""
    for message in [table.schema, *table.to_batches(max_chunksize=10_000)]:
        encoded = message.serialize().to_pybytes()
        header, body = encoded[8 : 8 + struct.unpack("<i", encoded[4:8])[0]], encoded[8 + struct.unpack("<i", encoded[4:8])[0] :]
        parts = [body[at : at + 2**20] for at in range(0, len(body), 2**20)] or [b""]
        for n, part in enumerate(parts):
            yield (field(2, header) if n == 0 else b"") + side + (b"\x38\x01" if n + 1 < len(parts) else b"") + field(1000, part)
    yield side + b"\x30\x01"  # end_of_table

def request(left, right, radius_arcsec):
    yield field(3, field(1, b"\x09" + struct.pack("<d", radius_arcsec) + b"\x30\x01"))  # MatchRequest.options: radius, order left
    yield from frames(right, 1)
    yield from frames(left, 0)

def fields(message):
    number = at = 0
    def read():
        nonlocal at
        value = shift = 0
        while True:
            value, at, shift, more = value | (message[at] & 127) << shift, at + 1, shift + 7, message[at] > 127
            if not more: return value
    while at < len(message):
        number, kind = divmod(read(), 8)
        length = read() if kind == 2 else 0
        yield number, message[at : at + length] if kind == 2 else read() if kind == 0 else message[at : at + 4]
        at += length if kind == 2 else 4 if kind == 5 else 0

left = pa.table({"name": ["Sirius", "Vega", "Nowhere"], "ra": [101.28715, 279.23473, 0.0], "dec": [-16.71612, 38.78369, 0.0]})
right = pa.table({"hip": [32349, 91262], "ra": [101.287155, 279.234735], "dec": [-16.716116, 38.783689]})
match = grpc.insecure_channel(os.environ.get("ARMILLA_GRPC", "127.0.0.1:7430")).stream_stream("/armilla.crossmatch.v1.CrossmatchService/Match")
stream, complete = b"", False
for frame in map(dict, map(fields, match(request(left, right, 1.0)))):
    if 2 in frame: stream += struct.pack("<ii", -1, len(frame[2])) + frame[2]
    stream, complete = stream + frame.get(1000, b""), complete or 6 in frame  # the last frame carries the summary
print(pa.ipc.open_stream(stream).read_all().select(["name", "hip"]).to_pylist() if complete else "cut short")
