"""What an HTTP/2 server may do, and must not do, to a gRPC call; each case with what the client must make of it.

Part of it is what the gRPC project calls its HTTP/2 negative tests; the codes are those of its documents
PROTOCOL-HTTP2 and http-grpc-status-mapping.
"""
import gzip

import h2.errors
import h2.settings
import hyperframe.frame as frames

from server import HEADERS, PONG, message

S = h2.settings.SettingCodes
E = h2.errors.ErrorCodes
OK, CANCELLED, UNKNOWN, NOT_FOUND, DENIED, EXHAUSTED, INTERNAL, UNAVAILABLE = 0, 1, 2, 5, 7, 8, 13, 14
UNIMPLEMENTED, UNAUTHENTICATED = 12, 16


class Case:
    client = []     # options of h2_client.c
    settings = {S.ENABLE_PUSH: 0, S.MAX_CONCURRENT_STREAMS: 100}
    codes = (OK,)   # what a call may end with
    messages = 1
    connects = None  # how many connections the client must have made
    go = ()         # what grpc-go makes of it where that is something else; None: it cannot be asked

    def start(self, c):
        c.h2.initiate_connection()

    def deaf(self, c):
        return False

    def received(self, c, event):
        c.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def headers(self, c, s):
        """The headers of a call have come."""

    def request(self, c, s):
        """All of a call has come."""
        c.answer(s)

    def again(self, c, s):
        """So has a later one."""
        c.answer(s)

    def check(self, calls, counters, server):
        """More than the codes; raises."""


def must(holds, what):
    if not holds:
        raise AssertionError(what)


# ---- how a client must speak -------------------------------------------------------------------------------------------

class plain_answer(Case):
    """the request is as gRPC says"""
    connects = 1

    def check(self, calls, counters, server):
        request = server.connections[0].streams[1]
        h = request["headers"]
        must(h[":method"] == "POST" and h[":scheme"] == "http" and h[":path"] == "/peers.Faults/Call", f"pseudo-headers {h}")
        must(h["te"] == "trailers" and h["content-type"].startswith("application/grpc"), f"headers {h}")
        must(h["grpc-timeout"][-1] in "HMSmun" and h["grpc-timeout"][:-1].isdigit() and len(h["grpc-timeout"]) <= 9, f"timeout {h}")
        must(":authority" in h and "gzip" in h["grpc-accept-encoding"], f"headers {h}")
        must(request["bytes"] == message(b"\0" * 4), "the message")


class gzip_request(Case):
    """a compressed request says so and unpacks"""
    client = ["gzip", "size=100000"]

    def check(self, calls, counters, server):
        request = server.connections[0].streams[1]
        must(request["headers"]["grpc-encoding"] == "gzip" and request["bytes"][0] == 1, "not marked as compressed")
        must(gzip.decompress(request["bytes"][5:]) == b"\0" * 100000, "the message")


class small_windows(Case):
    """a large request through a window of 1000 bytes"""
    client = ["size=300000"]
    settings = {**Case.settings, S.INITIAL_WINDOW_SIZE: 1000}

    def check(self, calls, counters, server):
        must(len(server.connections[0].streams[1]["bytes"]) == 300005, "the request is not whole")


class crumbs_of_window(Case):
    """a window of 100 bytes that is opened again after each of 3000 frames is no flood"""
    client = ["size=300000"]
    settings = {**Case.settings, S.INITIAL_WINDOW_SIZE: 100}

    def received(self, c, event):
        """By hand: the library would wait for more than the window has room for."""
        for where in (None, event.stream_id):
            if event.flow_controlled_length:
                c.h2.increment_flow_control_window(event.flow_controlled_length, where)

    def check(self, calls, counters, server):
        must(len(server.connections[0].streams[1]["bytes"]) == 300005, "the request is not whole")


class window_opened_later(Case):
    """a window of 0 that SETTINGS open in the middle of the call, then shrink below zero"""
    client = ["size=100000"]
    settings = {**Case.settings, S.INITIAL_WINDOW_SIZE: 0}

    def headers(self, c, s):
        c.h2.update_settings({S.INITIAL_WINDOW_SIZE: 60000})
        c.flush()
        c.h2.update_settings({S.INITIAL_WINDOW_SIZE: 100})

    received = crumbs_of_window.received

    def check(self, calls, counters, server):
        must(len(server.connections[0].streams[1]["bytes"]) == 100005, "the request is not whole")


class large_frames(Case):
    """frames of a megabyte are allowed, and a request of 3 MB uses them or not"""
    client = ["size=3000000"]
    settings = {**Case.settings, S.MAX_FRAME_SIZE: 1 << 20}


class no_header_table(Case):
    """a header table of 0, then of 4096 again"""
    client = ["calls=20"]
    settings = {**Case.settings, S.HEADER_TABLE_SIZE: 0}

    def request(self, c, s):
        if s == 11:
            c.h2.update_settings({S.HEADER_TABLE_SIZE: 4096})
        c.answer(s)


class max_streams(Case):
    """never more calls at once than the server allows"""
    client = ["calls=20"]
    settings = {**Case.settings, S.MAX_CONCURRENT_STREAMS: 1}
    connects = 1

    def request(self, c, s):
        c.later(0.01, lambda: c.answer(s))

    def check(self, calls, counters, server):
        must(server.connections[0].most_open == 1, f"{server.connections[0].most_open} at once")


class max_streams_zero(Case):
    """a limit of 0 streams holds calls back until it is raised"""
    client = ["calls=5"]
    settings = {**Case.settings, S.MAX_CONCURRENT_STREAMS: 0}

    def start(self, c):
        c.h2.initiate_connection()
        c.later(0.3, lambda: (must(not c.streams, "a stream too early"), c.h2.update_settings({S.MAX_CONCURRENT_STREAMS: 3})))


# ---- what is odd but allowed -------------------------------------------------------------------------------------------

class pings(Case):
    """PINGs before, in and after an answer are each acknowledged"""

    def ping(self, c):
        c.h2.ping(b"weirping")

    def start(self, c):
        c.h2.initiate_connection()
        self.ping(c)

    def headers(self, c, s):
        self.ping(c)

    def request(self, c, s):
        c.headers(s)
        self.ping(c)
        c.data(s, message(PONG)[:3])
        self.ping(c)
        c.data(s, message(PONG)[3:])
        self.ping(c)
        c.later(0.1, lambda: c.trailers(s))

    def check(self, calls, counters, server):
        must(server.connections[0].acks == 5, f"{server.connections[0].acks} of 5 acknowledged")


class many_pings(Case):
    """a thousand PINGs, a hundred at once, are suffered and acknowledged"""

    def burst(self, c, s, left):
        for _ in range(100):
            c.h2.ping(b"weirping")
        c.later(0.02, lambda: self.burst(c, s, left - 1) if left > 1 else c.answer(s))

    def request(self, c, s):
        self.burst(c, s, 10)

    def check(self, calls, counters, server):
        must(server.connections[0].acks == 1000, f"{server.connections[0].acks} of 1000 acknowledged")


class padded(Case):
    """padding counts for the windows and not for the message"""
    client = ["size=4"]
    payload = b"x" * 3000000

    def request(self, c, s):
        c.headers(s)
        c.data(s, message(self.payload), pad=255)
        c.then(s, lambda: c.trailers(s))

    def check(self, calls, counters, server):
        must(calls[0]["bytes"] == 3000000, f"{calls[0]['bytes']} bytes")


class crumbs(Case):
    """a stream of 500 messages, a byte a frame"""
    client = ["stream"]
    messages = 500

    def request(self, c, s):
        c.headers(s)
        for byte in message(b"\x0a\0") * 500:
            c.h2.send_data(s, bytes([byte]))
        c.trailers(s)


class empty_frames(Case):
    """empty DATA frames between the parts of a message"""

    def request(self, c, s):
        c.headers(s)
        for part in (b"", message(PONG)[:2], b"", b"", message(PONG)[2:], b""):
            c.h2.send_data(s, part)
        c.trailers(s)


class continuation(Case):
    """headers in a HEADERS and seven CONTINUATION frames"""

    def request(self, c, s):
        block = c.block(HEADERS + [(f"x-{i}", chr(97 + i) * 900) for i in range(12)])
        size = (len(block) + 7) // 8
        parts = [block[at:at + size] for at in range(0, len(block), size)]
        first = frames.HeadersFrame(s, parts[0])
        rest = [frames.ContinuationFrame(s, part) for part in parts[1:]]
        rest[-1].flags.add("END_HEADERS")
        trailers = frames.HeadersFrame(s, c.block([("grpc-status", "0")]), flags=["END_HEADERS", "END_STREAM"])
        c.raw(first, *rest, frames.DataFrame(s, message(PONG)), trailers)


class early_hints(Case):
    """103 Early Hints, twice, before the answer"""
    go = (UNKNOWN,)

    def request(self, c, s):
        for _ in range(2):
            c.h2.send_headers(s, [(":status", "103"), ("link", "</x>")])
        c.answer(s)


class unknown_frame(Case):
    """frames of a type and with flags that nobody knows"""

    def request(self, c, s):
        c.raw(b"\0\0\4\xfa\xff" + s.to_bytes(4, "big") + b"what", b"\0\0\0\xfb\0\0\0\0\0")
        c.answer(s)


class unknown_setting(Case):
    """settings that nobody knows"""

    def request(self, c, s):
        c.raw(frames.SettingsFrame(0, settings={0xf0f0: 7, 0x1111: 1 << 31}))
        c.answer(s)


class priority(Case):
    """PRIORITY of streams that do not exist"""

    def request(self, c, s):
        c.raw(frames.PriorityFrame(s + 100, depends_on=s, stream_weight=15))
        c.answer(s)


class gzip_answer(Case):
    """a compressed answer unpacks"""

    def request(self, c, s):
        c.headers(s, HEADERS + [("grpc-encoding", "gzip")])
        c.data(s, message(gzip.compress(b"\x0a\x9c\x8d\x06" + b"y" * 99996), 1))
        c.trailers(s)

    def check(self, calls, counters, server):
        must(calls[0]["bytes"] == 100000, f"{calls[0]['bytes']} bytes")


class trailers_only(Case):
    """headers that are trailers, their words percent-encoded"""
    codes, messages = (NOT_FOUND,), 0

    def request(self, c, s):
        c.headers(s, HEADERS + [("grpc-status", "5"), ("grpc-message", "no j%C3%B6b%0Aof 100%")], end=True)

    def check(self, calls, counters, server):
        must(calls[0]["words"] == "no j\u00f6b\nof 100%", f"words {calls[0]['words']!r}")
        must(calls[0]["weir"] == "WEIR_NOT_FOUND", calls[0]["weir"])


class words_that_end_in_a_blank(Case):
    """words that end in a blank, as brokers say when a rejection has no reason"""
    codes, messages = (NOT_FOUND,), 0

    def request(self, c, s):
        c.headers(s, HEADERS + [("grpc-status", "5"), ("grpc-message", "rejected with code 'X': ")], end=True)

    def check(self, calls, counters, server):
        must(calls[0]["words"].startswith("rejected with code 'X':"), f"words {calls[0]['words']!r}")


class early_trailers(Case):
    """an answer before the request is through, then RST NO_ERROR"""
    client = ["size=3000000"]
    codes, messages = (DENIED,), 0

    def headers(self, c, s):
        c.headers(s, HEADERS + [("grpc-status", "7")], end=True)
        c.reset(s, E.NO_ERROR)


class rst_after_trailers(Case):
    """RST NO_ERROR after a whole answer changes nothing"""

    def request(self, c, s):
        c.answer(s)
        c.raw(frames.RstStreamFrame(s, error_code=E.NO_ERROR))


# ---- connections that go -----------------------------------------------------------------------------------------------

class goaway(Case):
    """GOAWAY with the answer: the next call has another connection"""
    connects = 2

    def request(self, c, s):
        c.answer(s)
        c.goaway(s)


class goaway_each(Case):
    """a server that says GOAWAY after each of ten answers is no reason to wait"""
    client = ["again=9", "limit=900"]
    connects = 10

    def request(self, c, s):
        c.answer(s)
        c.goaway(s)

    again = request


class goaway_first_warning(Case):
    """a graceful GOAWAY in two steps lets the call finish"""
    client = ["calls=4"]
    connects = 2

    def request(self, c, s):
        if s == 7:
            c.goaway(2**31 - 1)
            c.later(0.2, lambda: (c.goaway(7), [c.answer(n) for n in (1, 3, 5, 7)]))


class goaway_in_flight(Case):
    """GOAWAY with 64 calls in flight: the half it has seen finishes, the other half is repeated unseen"""
    client = ["calls=64"]
    connects = 2

    def request(self, c, s):
        if c.number:
            c.answer(s)
        elif s == 127:
            c.goaway(63)
            for n in range(1, 64, 2):
                c.answer(n)

    def check(self, calls, counters, server):
        must(server.calls() == 96, f"{server.calls()} calls came, not 64 and 32 again")
        must(counters["retries"] == 32, f"{counters['retries']} repeated")


class goaway_then_close(Case):
    """GOAWAY that has seen nothing, then the end of the connection: every call is repeated"""
    client = ["calls=8"]
    connects = 2

    def request(self, c, s):
        if c.number:
            c.answer(s)
        elif s == 15:
            c.goaway(0, E.NO_ERROR, b"maintenance")
            c.close()


class closed(Case):
    """a connection that ends in the middle of a call: UNAVAILABLE, and not repeated"""
    codes, messages, connects = (UNAVAILABLE,), 0, 2

    def request(self, c, s):
        c.close()

    def check(self, calls, counters, server):
        must(server.calls() == 1, f"the call came {server.calls()} times")
        must(not calls[0]["unprocessed"], "said to be unprocessed")


class closed_in_answer(Case):
    """a connection that ends in the middle of an answer: UNAVAILABLE"""
    codes, messages, connects = (UNAVAILABLE,), 0, 2

    def request(self, c, s):
        c.headers(s)
        c.data(s, message(PONG)[:6])
        c.close()


class silent(Case):
    """a server that says nothing any more is noticed by keepalive"""
    client = ["grpc.keepalive_time_ms=300", "grpc.keepalive_timeout_ms=300"]
    codes, messages, connects = (UNAVAILABLE,), 0, 2
    silent = False

    def deaf(self, c):
        return c.number == 0 and self.silent

    def request(self, c, s):
        self.silent = True

    def check(self, calls, counters, server):
        must(counters["keepalive_timeouts"] == 1, f"{counters['keepalive_timeouts']} noticed by keepalive")


class refused(Case):
    """REFUSED_STREAM twice: the call is repeated, unseen by its owner"""
    go = (UNAVAILABLE,)  # it repeats once
    seen = 0

    def request(self, c, s):
        self.seen += 1
        c.reset(s, E.REFUSED_STREAM) if self.seen < 3 else c.answer(s)

    def check(self, calls, counters, server):
        must(counters["retries"] == 2, f"{counters['retries']} repeated")


class refused_always(Case):
    """REFUSED_STREAM for ever ends in UNAVAILABLE, soon, and says that nothing happened"""
    codes, messages = (UNAVAILABLE,), 0

    def request(self, c, s):
        c.reset(s, E.REFUSED_STREAM)

    def check(self, calls, counters, server):
        must(2 <= server.calls() <= 6, f"{server.calls()} attempts")
        must(calls[0]["unprocessed"] == 1, "not said to be unprocessed")


# ---- answers that are none ---------------------------------------------------------------------------------------------

def reset_case(name, code, codes, how):
    """RST_STREAM after nothing, headers, half a message, a message."""
    def request(self, c, s):
        if how != "at once":
            c.headers(s)
        if how in ("in a message", "after a message"):
            c.data(s, message(PONG)[:6 if how == "in a message" else None])
        c.reset(s, code)
    return type(name, (Case,), {"__doc__": f"RST_STREAM {code.name} {how}", "codes": codes, "request": request,
                                "go": (EXHAUSTED,) if code == E.FLOW_CONTROL_ERROR else (),
                                "client": ["stream"], "messages": int(how == "after a message")})


RESETS = [
    reset_case("rst_after_header", E.INTERNAL_ERROR, (INTERNAL,), "after the headers"),
    reset_case("rst_during_data", E.INTERNAL_ERROR, (INTERNAL,), "in a message"),
    reset_case("rst_after_data", E.INTERNAL_ERROR, (INTERNAL,), "after a message"),
    reset_case("rst_no_error", E.NO_ERROR, (INTERNAL,), "at once"),
    reset_case("rst_protocol", E.PROTOCOL_ERROR, (INTERNAL,), "at once"),
    reset_case("rst_flow_control", E.FLOW_CONTROL_ERROR, (INTERNAL,), "at once"),
    reset_case("rst_cancel", E.CANCEL, (CANCELLED,), "at once"),
    reset_case("rst_calm", E.ENHANCE_YOUR_CALM, (EXHAUSTED,), "at once"),
    reset_case("rst_insecure", E.INADEQUATE_SECURITY, (DENIED,), "at once"),
]


class no_trailers(Case):
    """END_STREAM on the message, no trailers"""
    codes = (UNKNOWN, INTERNAL)

    def request(self, c, s):
        c.headers(s)
        c.data(s, message(PONG), end=True)

    messages = None


class no_status(Case):
    """trailers without grpc-status"""
    codes, messages = (UNKNOWN, INTERNAL), None

    def request(self, c, s):
        c.headers(s)
        c.data(s, message(PONG))
        c.h2.send_headers(s, [("x-other", "1")], end_stream=True)


class bad_status(Case):
    """a grpc-status that is no number"""
    go = (INTERNAL,)
    codes, messages = (UNKNOWN,), None

    def request(self, c, s):
        c.headers(s)
        c.data(s, message(PONG))
        c.trailers(s, "many")


class ok_without_message(Case):
    """grpc-status 0 and no message at all"""
    go = None
    codes, messages = (INTERNAL, UNIMPLEMENTED), 0

    def request(self, c, s):
        c.headers(s)
        c.trailers(s)


class two_messages(Case):
    """two messages for a unary call"""
    go = (UNKNOWN,)
    codes, messages = (INTERNAL, UNIMPLEMENTED), None

    def request(self, c, s):
        c.headers(s)
        c.data(s, message(PONG) + message(PONG))
        c.trailers(s)


class cut_message(Case):
    """grpc-status 0 after half a message"""
    codes, messages = (INTERNAL,), 0

    def request(self, c, s):
        c.headers(s)
        c.data(s, message(PONG)[:7])
        c.trailers(s)


class unknown_compression(Case):
    """a compressed message of an encoding that was not offered"""
    codes, messages = (INTERNAL, UNIMPLEMENTED), 0

    def request(self, c, s):
        c.headers(s, HEADERS + [("grpc-encoding", "snappy")])
        c.data(s, message(PONG, 1))
        c.trailers(s)


class broken_gzip(Case):
    """a compressed message that does not unpack"""
    go = (EXHAUSTED,)  # it trusts the length at the end
    codes, messages = (INTERNAL,), 0

    def request(self, c, s):
        c.headers(s, HEADERS + [("grpc-encoding", "gzip")])
        c.data(s, message(gzip.compress(b"y" * 1000)[:-9] + b"z" * 9, 1))
        c.trailers(s)


class gzip_bomb(Case):
    """a compressed message that unpacks to 100 MB"""
    go = (INTERNAL, EXHAUSTED)
    codes, messages = (EXHAUSTED,), 0

    def request(self, c, s):
        c.headers(s, HEADERS + [("grpc-encoding", "gzip")])
        c.data(s, message(gzip.compress(b"\0" * 100000000), 1))
        c.trailers(s)


class too_large(Case):
    """a message that says it has 2 GB"""
    codes, messages = (EXHAUSTED,), 0

    def request(self, c, s):
        c.headers(s)
        c.data(s, b"\0\x7f\xff\xff\xff" + b"x" * 100)


class large_trailers(Case):
    """30 KB of trailers: the call fails, the connection lives"""
    go = (OK,)  # its limit is higher
    codes, messages, connects = (INTERNAL, EXHAUSTED), None, 1

    def request(self, c, s):
        c.headers(s)
        c.data(s, message(PONG))
        c.h2.send_headers(s, [("grpc-status", "0")] + [(f"x-{i}", "v" * 1000) for i in range(30)], end_stream=True)


def http_case(status, codes, extra=()):
    """An HTTP answer that is no gRPC, as proxies give."""
    def request(self, c, s):
        c.headers(s, [(":status", str(status)), ("content-type", "text/html"), *extra])
        c.data(s, b"<html>no</html>", end=True)
    return type(f"http_{status}", (Case,), {"__doc__": f"a plain HTTP answer {status}", "codes": codes, "messages": 0,
                                            "request": request})


HTTP = [http_case(200, (UNKNOWN,)), http_case(302, (UNKNOWN,), [("location", "/x")]), http_case(400, (INTERNAL,)),
        http_case(401, (UNAUTHENTICATED,)), http_case(403, (DENIED,)), http_case(404, (UNIMPLEMENTED,)),
        http_case(429, (UNAVAILABLE,)), http_case(500, (UNKNOWN,)), http_case(502, (UNAVAILABLE,)),
        http_case(503, (UNAVAILABLE,)), http_case(504, (UNAVAILABLE,))]


# ---- what HTTP/2 forbids: the connection must go, the next call gets another ---------------------------------------------

def forbidden(name, words, says, codes=(INTERNAL, UNAVAILABLE, UNKNOWN)):
    def request(self, c, s):
        c.flush()
        says(c, s)
    return type(name, (Case,), {"__doc__": words, "codes": codes, "messages": None, "connects": 2, "request": request,
                                "go": None})  # grpc-go does not look


def flood_of_continuations(c, s):
    c.raw(frames.HeadersFrame(s, b""), *[frames.ContinuationFrame(s, b"") for _ in range(5000)])


FORBIDDEN = [
    forbidden("garbage", "bytes that are no frames", lambda c, s: c.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 3)),
    forbidden("frame_too_large", "a frame above the limit of its size", lambda c, s: c.raw(b"\xff\xff\xff\0\0\0\0\0\1" + b"x" * 70000)),
    forbidden("data_on_zero", "DATA on stream 0", lambda c, s: c.raw(b"\0\0\1\0\0\0\0\0\0x")),
    forbidden("data_on_idle", "DATA on a stream that nobody opened", lambda c, s: c.raw(frames.DataFrame(s + 1000, b"x"))),
    forbidden("push", "PUSH_PROMISE, which was switched off",
              lambda c, s: c.raw(frames.PushPromiseFrame(s, 2, c.block([(":method", "GET"), (":path", "/")]), flags=["END_HEADERS"]))),
    forbidden("broken_headers", "a header block that HPACK cannot read",
              lambda c, s: c.raw(frames.HeadersFrame(s, b"\xff\xff\xff\xff\xff\xff\xff", flags=["END_HEADERS"]))),
    forbidden("interleaved", "another frame inside a header block",
              lambda c, s: c.raw(frames.HeadersFrame(s, c.block(HEADERS)), frames.PingFrame(0, b"weirping"))),
    forbidden("window_overflow", "a window above 2^31-1",
              lambda c, s: c.raw(*[frames.WindowUpdateFrame(0, window_increment=2**31 - 1)] * 2)),
    forbidden("bad_setting", "an initial window of 2^31",
              lambda c, s: c.raw(frames.SettingsFrame(0, settings={4: 1 << 31}))),
    forbidden("settings_flood", "20,000 SETTINGS frames",
              lambda c, s: c.raw(*[frames.SettingsFrame(0, settings={3: 100})] * 20000)),
    forbidden("ping_flood", "20,000 PINGs", lambda c, s: c.raw(*[frames.PingFrame(0, b"weirping")] * 20000)),
    forbidden("empty_data_flood", "20,000 empty DATA frames",
              lambda c, s: (c.headers(s), c.raw(*[frames.DataFrame(s, b"")] * 20000))),
    forbidden("continuation_flood", "5,000 empty CONTINUATION frames", flood_of_continuations),
    forbidden("rst_of_idle", "RST_STREAM of a stream that nobody opened",
              lambda c, s: c.raw(frames.RstStreamFrame(s + 1000, error_code=0))),
]


def every():
    named = [c for c in globals().values() if isinstance(c, type) and issubclass(c, Case) and c is not Case]
    return named + RESETS + HTTP + FORBIDDEN
