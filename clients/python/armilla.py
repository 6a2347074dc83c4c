"""Star catalogs matched by an Armilla server, over Arrow Flight. One file, on pyarrow alone: copy it where you need it.

    import armilla

    pairs = armilla.crossmatch(survey, reference, radius_arcsec=1)

Tables may be of pyarrow, pandas, polars or astropy, anything else that speaks Arrow's C stream, or the name of a table that
the server holds. Results are pyarrow Tables. Everything that goes wrong is an ArmillaError with a stable reason.
"""

import contextlib
import json
import queue
import threading
import uuid

import pyarrow as pa
import pyarrow.flight as fl

__all__ = ["Armilla", "ArmillaError", "crossmatch", "crossmatch_tables", "summary"]

DEFAULT_SERVER = "grpc://127.0.0.1:7430"
# Bytes of a batch that is sent: progress, cancelling and the server's memory go by batches.
BATCH_BYTES = 1 << 20
# A table that was sent for one match is deleted after it; the server forgets it when that could not be done.
TEMPORARY_TTL_SECONDS = 300
# How soon Ctrl-C is seen.
POLL_SECONDS = 0.1
SUMMARY_KEY = b"armilla.summary"


class ArmillaError(Exception):
    """What the server, or the way to it, refused: `reason` is stable (docs/errors.md), `fields` hold the values."""

    def __init__(self, reason, message, fields=None):
        super().__init__(f"{message} [{reason}]")
        self.reason = reason
        self.message = message
        self.fields = dict(fields or {})


def crossmatch(left, right=None, radius_arcsec=1, *, server=DEFAULT_SERVER, token=None, **options):
    """Matches `left` with `right` on the sky; see Armilla.crossmatch."""
    with Armilla(server, token=token) as client:
        return client.crossmatch(left, right, radius_arcsec, **options)


def crossmatch_tables(tables, radius_arcsec=1, *, server=DEFAULT_SERVER, token=None, **options):
    """Matches two to ten tables at once; see Armilla.crossmatch_tables."""
    with Armilla(server, token=token) as client:
        return client.crossmatch_tables(tables, radius_arcsec, **options)


def summary(table):
    """What a match said of its work: counts of matched, unmatched and rejected rows, columns in use, times."""
    return json.loads((table.schema.metadata or {}).get(SUMMARY_KEY, b"{}"))


class Armilla:
    """A connection to a server. `server` is grpc://HOST:PORT or grpc+tls://HOST:PORT; `tls_root_certs` is PEM text."""

    def __init__(self, server=DEFAULT_SERVER, *, token=None, tls_root_certs=None):
        self._client = fl.connect(server, **({"tls_root_certs": tls_root_certs} if tls_root_certs else {}))
        self._headers = [(b"armilla-errors", b"json")]
        if token is not None:
            self._headers.append((b"authorization", f"Bearer {token}".encode()))

    def close(self):
        self._client.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def crossmatch(self, left, right=None, radius_arcsec=1, *, progress=None, timeout_s=None, **options):
        """Matches `left` with `right` and returns the matches as a pyarrow Table.

        left, right: tables, or names of stored tables; right is left out with self_match="pairs" or "groups".
        progress: called with a dict (stage, left_row_count, right_row_count, result_row_count, fraction) a few times a second.
        timeout_s: time for the match.
        options: as over HTTP, for example find="all", join="left", columns=["left.id", "separation_arcsec"], left_ra="RAJ2000",
        strict=True. The order of rows is that of the left table unless order="any".

        Ctrl-C ends the call on the server, too.
        """
        command = {"radius_arcsec": radius_arcsec, "order": "left", **options, "events": True}
        with contextlib.ExitStack() as stack:
            if right is not None:
                command["right"] = right if isinstance(right, str) else stack.enter_context(self._temporary(right, timeout_s))
            if isinstance(left, str):
                return self._get({**command, "left": left}, timeout_s).table(progress)
            source = _Source(left)
            if source.row_count is not None:
                command["left_row_count"] = source.row_count
            descriptor = fl.FlightDescriptor.for_command(json.dumps(command))
            with _typed():
                writer, reader = self._client.do_exchange(descriptor, self._options(timeout_s))
            return _Call(reader, writer, source).table(progress)

    def crossmatch_tables(self, tables, radius_arcsec=1, *, table_options=None, progress=None, timeout_s=None, **options):
        """Matches two to ten tables at once and returns the rows that belong together as a pyarrow Table.

        tables: tables, or names of stored tables; the first one is the primary.
        table_options: what is known of each table, a list of dicts in the order of the tables (None: nothing), for example
        [None, {"error": "e_pos:mas", "where": "mag < 18"}].
        options: as over HTTP, for example multi="groups", join="matched", columns=["1.id", "2.*", "ncat"], probabilities=True.
        progress, timeout_s: as for crossmatch.

        Ctrl-C ends the call on the server, too.
        """
        known = [dict(one or {}) for one in table_options or []]
        command = {"radius_arcsec": radius_arcsec, **options, "events": True}
        for number, values in enumerate(known, 1):
            command.update({f"{number}.{name}": value for name, value in values.items()})
        known += [{}] * (len(tables) - len(known))
        with contextlib.ExitStack() as stack:

            def name_of(table, values):
                if isinstance(table, str):
                    return table
                position = {key: values.get(key) for key in ("ra", "dec", "frame")}
                return stack.enter_context(self._temporary(table, timeout_s, **position))

            command["tables"] = [name_of(table, values) for table, values in zip(tables, known)]
            return self._get(command, timeout_s).table(progress)

    def put(self, name, table, *, replace=True, ttl_seconds=None, ra=None, dec=None, frame=None, timeout_s=None):
        """Keeps `table` on the server under `name`, indexed; returns what the server says of it."""
        # With its number of rows announced, a table whose sending is interrupted is refused instead of kept.
        source = _Source(_whole(table))
        position = {"ra": ra, "dec": dec, "frame": frame}
        options = {"replace": replace, "ttl_seconds": ttl_seconds, **position, "row_count": source.row_count}
        command = {"table": name, **{key: value for key, value in options.items() if value is not None}}
        descriptor = fl.FlightDescriptor.for_command(json.dumps(command))
        with _typed():
            writer, reader = self._client.do_put(descriptor, source.schema, self._options(timeout_s))

        def send(stop):
            try:
                source.send(writer, stop, begun=True)
                answer = reader.read()
            finally:
                # Says why the server ended the call, where it did.
                writer.close()
            return json.loads(answer.to_pybytes())

        return _interruptible(send)

    def get(self, name, columns=None, *, timeout_s=None):
        """A stored table, or some of its columns."""
        ticket = {"table": name, **({"columns": list(columns)} if columns is not None else {})}
        return self._get(ticket, timeout_s).table(None)

    def tables(self):
        """The stored tables: a dict of name, rowCount, sizeBytes, digest, columns and times each."""
        return self._act("list-tables", {}).get("tables", [])

    def delete(self, name):
        """Deletes a stored table; matches that run on it finish first."""
        self._act("delete-table", {"table": name})

    def explain(self, radius_arcsec=1, **options):
        """What a match would cost, for example explain(left_row_count=10**6, right_row_count=10**7)."""
        return self._act("explain", {"radius_arcsec": radius_arcsec, **options})

    def result(self, request_id, rejected_limit=0):
        """Summary of a recent match of that request_id, and at most so many of the rows that it rejected."""
        return self._act("get-result", {"request_id": request_id, "rejected_limit": rejected_limit})

    def _act(self, kind, body):
        with _typed():
            (result,) = self._client.do_action(fl.Action(kind, json.dumps(body).encode()), self._options(None))
            return json.loads(result.body.to_pybytes())

    def _get(self, ticket, timeout_s):
        with _typed():
            return _Call(self._client.do_get(fl.Ticket(json.dumps(ticket)), self._options(timeout_s)))

    def _options(self, timeout_s):
        return fl.FlightCallOptions(timeout=timeout_s, headers=self._headers)

    @contextlib.contextmanager
    def _temporary(self, table, timeout_s, **position):
        name = f"py-{uuid.uuid4().hex}"
        self.put(name, table, replace=False, ttl_seconds=TEMPORARY_TTL_SECONDS, timeout_s=timeout_s, **position)
        try:
            yield name
        finally:
            # What ended the match says more than that its table could not be deleted.
            with contextlib.suppress(ArmillaError):
                self.delete(name)


class _Source:
    """Any table as a schema and batches of about BATCH_BYTES; `row_count` is None for a stream."""

    def __init__(self, table):
        self._table = _arrow(table)
        self.schema = self._table.schema
        self.row_count = self._table.num_rows if isinstance(self._table, pa.Table) else None

    def send(self, writer, stop, begun=False):
        if not begun:
            writer.begin(self.schema)
        for batch in self._batches():
            if stop.is_set():
                break
            writer.write_batch(batch)
        writer.done_writing()

    def _batches(self):
        if isinstance(self._table, pa.Table):
            row_bytes = max(1, self._table.nbytes // max(1, self._table.num_rows))
            yield from self._table.to_batches(max_chunksize=max(1024, BATCH_BYTES // row_bytes))
        else:
            yield from self._table


def _arrow(table):
    if isinstance(table, (pa.Table, pa.RecordBatchReader)):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    module = type(table).__module__.partition(".")[0]
    if module == "astropy":
        return _of_astropy(table)
    if module == "pandas":
        return pa.Table.from_pandas(table)
    if module == "polars" and hasattr(table, "collect"):
        table = table.collect()
    if hasattr(table, "to_arrow"):
        table = table.to_arrow()
    return table if isinstance(table, (pa.Table, pa.RecordBatchReader)) else pa.table(table)


def _whole(table):
    table = _arrow(table)
    return table.read_all() if isinstance(table, pa.RecordBatchReader) else table


def _of_astropy(table):
    """Columns with their units and UCDs; masked values are nulls."""
    arrays, fields = [], []
    for name in table.colnames:
        column = table[name]
        # Quantities hold their numbers as `value`; coordinates and times are no single column of numbers.
        data = getattr(column, "value" if hasattr(column, "to_value") and hasattr(column, "unit") else "data", None)
        if not hasattr(data, "dtype"):
            raise TypeError(f"column {name!r} is a {type(column).__name__}: give its parts as columns (ra, dec in degrees)")
        if data.ndim != 1:
            raise TypeError(f"column {name!r} has {data.ndim - 1} further dimensions: give them as columns")
        mask = getattr(column, "mask", None)
        data = data.data if hasattr(data, "filled") else data
        if data.dtype.kind in "SU":
            data = [value.decode() if isinstance(value, bytes) else str(value) for value in data]
        elif not data.dtype.isnative:
            data = data.astype(data.dtype.newbyteorder("="))
        array = pa.array(data, mask=None if mask is None else mask.astype(bool))
        ucd = (column.info.meta or {}).get("ucd")
        notes = {key: str(value) for key, value in {"unit": getattr(column, "unit", None), "ucd": ucd}.items() if value is not None}
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata=notes or None))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


class _Call:
    """A stream of rows that is read while `source`, if there is one, is sent; both end with the call."""

    def __init__(self, reader, writer=None, source=None):
        self._reader = reader
        self._writer = writer
        self._source = source
        self._stop = threading.Event()
        self._sending_failed = None
        # Bounded: a progress callback that is slow holds up the stream.
        self._items = queue.Queue(maxsize=64)

    def table(self, progress):
        threads = [threading.Thread(target=self._read, daemon=True)]
        if self._source is not None:
            threads.append(threading.Thread(target=self._write, daemon=True))
        for thread in threads:
            thread.start()
        batches, found = [], {}
        try:
            for kind, value in self._received():
                if kind == "batch":
                    batches.append(value)
                elif "summary" in value:
                    found = value["summary"]
                elif progress is not None:
                    progress(_progress(value["progress"]))
        except BaseException:
            self._stop.set()
            self._reader.cancel()
            raise
        finally:
            self._stop.set()
            for thread in threads:
                while thread.is_alive():
                    self._drain()
                    thread.join(POLL_SECONDS)
            if self._writer is not None:
                # The reader was told why.
                with contextlib.suppress(pa.ArrowException, OSError):
                    self._writer.close()
        if self._sending_failed is not None:
            raise _error(self._sending_failed)
        table = pa.Table.from_batches(batches, schema=self._schema)
        return table.replace_schema_metadata({SUMMARY_KEY: json.dumps(found)}) if found else table

    def _received(self):
        while True:
            try:
                kind, value = self._items.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if kind == "end":
                return
            if kind == "failed":
                raise _error(value) from value
            yield kind, value

    def _read(self):
        try:
            self._schema = self._reader.schema
            for chunk in self._reader:
                if chunk.data is not None:
                    self._items.put(("batch", chunk.data))
                if chunk.app_metadata is not None:
                    self._items.put(("event", json.loads(chunk.app_metadata.to_pybytes())))
            self._items.put(("end", None))
        except Exception as error:
            self._items.put(("failed", error))

    def _write(self):
        try:
            self._source.send(self._writer, self._stop)
        except Exception as error:
            # A call that the server ends says why to its reader.
            if not self._stop.is_set():
                self._sending_failed = error

    def _drain(self):
        with contextlib.suppress(queue.Empty):
            while True:
                self._items.get_nowait()


def _interruptible(work):
    """Runs `work(stop)` beside the caller, whom Ctrl-C reaches at once; the work then ends at its next batch."""
    stop, outcome = threading.Event(), {}

    def run():
        try:
            outcome["value"] = work(stop)
        except Exception as error:
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(POLL_SECONDS)
    finally:
        stop.set()
        thread.join()
    if "error" in outcome:
        raise _error(outcome["error"]) from outcome["error"]
    return outcome["value"]


def _progress(value):
    names = ["leftRowCount", "rightRowCount", "resultRowCount"]
    counts = {name[: -len("RowCount")] + "_row_count": int(value.get(name, 0)) for name in names}
    return {"stage": value.get("stage", ""), **counts, "fraction": value.get("fraction")}


@contextlib.contextmanager
def _typed():
    try:
        yield
    except (pa.ArrowException, OSError, KeyError, NotImplementedError) as error:
        raise _error(error) from error


def _error(error):
    """The problem that stands as JSON in the server's message; else the nearest reason for what the transport says."""
    text = str(error)
    start = text.find('{"reason":')
    if start >= 0:
        with contextlib.suppress(ValueError):
            problem, _ = json.JSONDecoder().raw_decode(text[start:])
            return ArmillaError(problem["reason"], problem["message"], problem.get("fields"))
    if not isinstance(error, (pa.ArrowException, OSError)):
        return error
    reasons = [
        (fl.FlightTimedOutError, "DEADLINE_EXCEEDED"),
        (fl.FlightCancelledError, "CANCELLED"),
        (fl.FlightUnavailableError, "SERVER_UNAVAILABLE"),
        (fl.FlightUnauthenticatedError, "UNAUTHENTICATED"),
    ]
    return ArmillaError(next((reason for kind, reason in reasons if isinstance(error, kind)), "INTERNAL"), text)
