#!/usr/bin/env python3
"""`weir bayeux listen` and `publish` on the sandbox's plain CometD server."""
import json
import signal
import unittest

from cli_events_lib import NUMBERS, EventCase
from cli_lib import SECRETS


class BayeuxCase(EventCase):
    def setUp(self):
        super().setUp()
        self.url = self.env["WEIR_BAYEUX_URL"]
        self.room = f"/room/{next(NUMBERS)}"

    def publish(self, *args, **more):
        return self.at("bayeux", "publish", self.url, *args, **more)

    def start_hearing(self, channel, *args, **more):
        """Returns when the channel is subscribed."""
        before = self.count("bayeux.subscribe")
        running = self.start("bayeux", "listen", self.url, channel, *args, **more)
        self.await_requests("bayeux.subscribe", before + 1)
        return running


class Listen(BayeuxCase):
    def test_what_one_publishes_the_other_hears(self):
        for transport in ("auto", "long-polling"):
            running = self.start_hearing(self.room, "--count", "2", "--transport", transport)
            for text in ("one", "two"):
                self.expect(self.publish(self.room, "--data", json.dumps({"text": text})), 0, '"successful":true', "")
            lines = [json.loads(line) for line in self.expect(running.end(), 0, None, "").out.splitlines()]
            self.assertEqual([(line["channel"], line["data"]["text"]) for line in lines],
                             [(self.room, "one"), (self.room, "two")])

    def test_formats(self):
        for form in ("data", "cloudevent"):
            running = self.start_hearing(self.room, "--count", "1", "--format", form)
            self.emit_data([1, 2.50], channel=self.room, service="bayeux")
            line = json.loads(self.expect(running.end(), 0).out)
            self.assertEqual(line if form == "data" else line["data"], [1, 2.5])

    def test_wildcards(self):
        running = self.start_hearing(self.room + "/**", "--count", "2", "--format", "message")
        for channel in (self.room + "/a", self.room + "/a/b"):
            self.emit_data({}, channel=channel, service="bayeux")
        lines = [json.loads(line)["channel"] for line in self.expect(running.end(), 0).out.splitlines()]
        self.assertEqual(lines, [self.room + "/a", self.room + "/a/b"])

    def test_programs(self):
        running = self.start_hearing(self.room, "--count", "1", "--format", "data", "--exec", "tr a-z A-Z")
        self.emit_data({"a": "b"}, channel=self.room, service="bayeux")
        self.expect(running.end(), 0, r'\A\{"A":"B"\}\n\Z', "")
        running = self.start_hearing(self.room, "--count", "2", "--format", "data", "--coprocess", "tr a-z A-Z")
        for _ in range(2):
            self.emit_data({"a": "b"}, channel=self.room, service="bayeux")
        self.expect(running.end(), 0, r'\A(\{"A":"B"\}\n){2}\Z', "")

    def test_a_signal_ends_it(self):
        running = self.start_hearing(self.room)
        running.signal(signal.SIGTERM)
        self.expect(running.end(), 0, "", "")

    def test_flags_of_durable_listeners_are_not_known(self):
        for flag in ("--ack", "--store", "--replay", "--on-gap"):
            result = self.at("bayeux", "listen", self.url, "/a", flag, "x")
            self.expect(self.one_line(result), 64, "", f"unknown flag {flag}")

    def test_mistakes(self):
        self.expect(self.one_line(self.at("bayeux", "listen", self.url)), 64, "", "CHANNEL")
        self.expect(self.one_line(self.at("bayeux", "listen", self.url, "a")), 65, "", "cannot be a channel")
        self.expect(self.one_line(self.at("bayeux", "listen", "nonsense", "/a")), 65, "")
        self.expect(self.one_line(self.at("bayeux", "listen", self.url, "/a", "--header", "x")), 65, "", "--header")
        self.expect(self.one_line(self.at("bayeux", "listen", self.url, "/a", "--token-env", "NONE")), 78, "", "NONE")

    def test_nobody_there(self):
        result = self.at("bayeux", "listen", "http://127.0.0.1:1/bayeux", "/a", "--give-up", "300ms",
                         "--connection-timeout", "100ms")
        self.expect(result, 69, "")


class Publish(BayeuxCase):
    def test_any_json(self):
        for data in ("[1]", '"text"', "7", "null", "{}"):
            self.expect(self.publish(self.room, "--data", data), 0, '"successful":true', "")

    def test_bad_json(self):
        self.expect(self.one_line(self.publish(self.room, "--data", "{")), 65, "", "line 1, column")
        self.expect(self.one_line(self.publish(self.room)), 64, "", "--data is required")

    def test_headers_and_tokens_are_sent(self):
        SECRETS.add("t0ken-s3cret")
        self.expect(self.publish(self.room, "--data", "1", "--transport", "long-polling", "--header", "X-Key: a key",
                                 "--token-env", "MY_TOKEN", env={"MY_TOKEN": "t0ken-s3cret"}), 0)
        lines = [json.loads(line) for line in self.expect(self.at("sandbox", "requests"), 0).out.splitlines()]
        keys = [line["headers"] for line in lines if line.get("headers", {}).get("x-key") == "a key"]
        self.assertTrue(keys)
        self.assertEqual({headers.get("authorization") for headers in keys}, {"Bearer ***"})

    def test_nobody_there(self):
        result = self.at("bayeux", "publish", "http://127.0.0.1:1/bayeux", "/a", "--data", "1", "--request-timeout", "1s")
        self.assertIn(result.status, (69, 75), result)


if __name__ == "__main__":
    unittest.main()
