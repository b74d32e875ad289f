"""A scripted HTTP/2 server on the `h2` library: each case says what it does to a gRPC call. See cases.py."""
import socket
import struct
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import hyperframe.frame as frames

PONG = b"\x0a\x04pong"  # as protobuf: field 1 is a text
HEADERS = [(":status", "200"), ("content-type", "application/grpc")]


def message(payload, compressed=0):
    return struct.pack(">BI", compressed, len(payload)) + payload


class Connection:
    """One connection of the client's: events go to the case; what it wants to say goes through here."""

    def __init__(self, server, sock, number):
        self.server, self.case, self.sock, self.number = server, server.case, sock, number
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False,
                                                normalize_outbound_headers=False)  # as it is told
        self.h2 = h2.connection.H2Connection(config)
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=dict(self.case.settings))
        self.streams = {}   # of each stream: its request's headers and bytes
        self.open = set()   # answered not yet
        self.most_open = 0
        self.acks = 0       # of pings
        self.fault = None   # what the client did that HTTP/2 forbids
        self.queues = {}    # bytes that wait for a window
        self.timers = []
        self.gone = False

    # ---- what cases say ----

    def flush(self):
        data = self.h2.data_to_send()
        if data and not self.gone:
            self.sock.sendall(data)

    def raw(self, *what):
        """Frames or bytes that the library would not send."""
        self.flush()
        self.sock.sendall(b"".join(w if isinstance(w, bytes) else w.serialize() for w in what))

    def block(self, headers):
        return self.h2.encoder.encode(headers)

    def headers(self, stream, headers=HEADERS, end=False):
        self.h2.send_headers(stream, headers, end_stream=end)

    def data(self, stream, data, pad=None, end=False):
        """As the windows allow; `pad`: so many bytes of padding in each frame."""
        self.queues.setdefault(stream, []).append([data, pad, end])
        self.pump(stream)

    def pump(self, stream):
        queue = self.queues.get(stream, [])
        while queue:
            data, pad, end = queue[0]
            overhead = 0 if pad is None else pad + 1
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size) - overhead
            if room <= 0:
                return
            part, queue[0][0] = data[:room], data[room:]
            last = not queue[0][0]
            self.h2.send_data(stream, part, end_stream=end and last, pad_length=pad)
            if last:
                queue.pop(0)
        after = self.queues.pop((stream, "then"), None)
        if after:
            after()

    def then(self, stream, action):
        """Once all data of the stream has been sent."""
        self.queues[(stream, "then")] = action
        self.pump(stream)

    def trailers(self, stream, status=0, words=None):
        self.h2.send_headers(stream, [("grpc-status", str(status))] + ([("grpc-message", words)] if words else []), end_stream=True)
        self.open.discard(stream)

    def answer(self, stream, payload=PONG):
        self.headers(stream)
        self.data(stream, message(payload))
        self.then(stream, lambda: self.trailers(stream))

    def reset(self, stream, code):
        self.h2.reset_stream(stream, error_code=code)
        self.open.discard(stream)

    def goaway(self, last, code=0, debug=b""):
        self.raw(frames.GoAwayFrame(0, last_stream_id=last, error_code=code, additional_data=debug))

    def close(self):
        self.flush()
        self.gone = True

    def later(self, seconds, action):
        self.timers.append((time.monotonic() + seconds, action))
        self.timers.sort(key=lambda timer: timer[0])

    # ---- what happens ----

    def serve(self):
        self.case.start(self)
        self.flush()
        while not self.gone:
            try:
                self.sock.settimeout(max(0.001, self.timers[0][0] - time.monotonic()) if self.timers else 30)
                data = self.sock.recv(65536)
            except TimeoutError:
                if not self.timers:
                    return
                data = None
            if data == b"":
                return
            if data and not self.case.deaf(self):
                self.take(data)
            while self.timers and self.timers[0][0] <= time.monotonic():
                self.timers.pop(0)[1]()
            self.flush()

    def take(self, data):
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            self.fault = f"{type(error).__name__}: {error}"
            raise
        for event in events:
            self.event(event)

    def event(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.streams[event.stream_id] = {"headers": dict(event.headers), "bytes": b"", "reset": None}
            self.open.add(event.stream_id)
            self.most_open = max(self.most_open, len(self.open))
            self.ask("headers", event.stream_id)
        elif isinstance(event, h2.events.DataReceived):
            self.streams[event.stream_id]["bytes"] += event.data
            self.case.received(self, event)
        elif isinstance(event, h2.events.StreamEnded):
            self.ask("request", event.stream_id)
        elif isinstance(event, h2.events.WindowUpdated):
            for stream in [event.stream_id] if event.stream_id else [s for s in self.queues if isinstance(s, int)]:
                self.pump(stream)
        elif isinstance(event, h2.events.RemoteSettingsChanged):
            for stream in [s for s in self.queues if isinstance(s, int)]:
                self.pump(stream)
        elif isinstance(event, h2.events.PingAckReceived):
            self.acks += 1
        elif isinstance(event, h2.events.StreamReset):
            self.streams[event.stream_id]["reset"] = event.error_code
            self.open.discard(event.stream_id)

    def ask(self, what, stream):
        """The call after the fault is always answered well."""
        again = self.streams[stream]["headers"][":path"].endswith("/Again")
        if not again:
            getattr(self.case, what)(self, stream)
        elif what == "request":
            self.case.again(self, stream)

    def run(self):
        try:
            self.serve()
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            self.sock.close()


class Server:
    def __init__(self, case):
        self.case, self.connections = case, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock, len(self.connections))
            self.connections.append(connection)
            threading.Thread(target=connection.run, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def calls(self):
        """How often the call under test arrived, over all connections."""
        return sum(not s["headers"][":path"].endswith("/Again") for c in self.connections for s in c.streams.values())
