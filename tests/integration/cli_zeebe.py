#!/usr/bin/env python3
"""weir zeebe against the sandbox's gateway: outputs word by word, every class of failure, signals."""
import json
import os
import signal
import subprocess
import time
import unittest

from cli_lib import WEIR, SandboxCase, Whole, clean_environment


class Answers(SandboxCase):
    def test_status_is_zbctls_text(self):
        pattern = (r"\ACluster size: 1\nPartitions count: 1\nReplication factor: 1\nGateway version: 8\.9\.0-sandbox\n"
                   r"Brokers:\n  Broker 0 - 127\.0\.0\.1:\d+\n    Version: 8\.9\.0-sandbox\n"
                   r"    Partition 1 : Leader, Healthy\n\Z")
        for verb in ("status", "topology"):
            self.expect(self.at("zeebe", verb), 0, pattern, "")

    def test_status_as_json_is_protojson(self):
        for flags in (("-o", "json"), ("--output=json",), ("--json",)):
            text = self.expect(self.at("zeebe", "status", *flags), 0, r'\A\{\n  "brokers": \[\n    \{\n      "nodeId": 0', "").out
            topology = json.loads(text)
            self.assertEqual(topology["brokers"][0]["partitions"], [{"partitionId": 1, "role": "LEADER", "health": "HEALTHY"}])
            self.assertEqual((topology["clusterSize"], topology["gatewayVersion"]), (1, "8.9.0-sandbox"))

    def test_health(self):
        self.expect(self.at("zeebe", "health"), 0, Whole("SERVING\n"), "")
        self.assertEqual(json.loads(self.at("zeebe", "health", "--json").out), {"status": "SERVING"})
        self.expect(self.at("zeebe", "health", "--service", "nonsense"), 69, "", r"\Aweir: zeebe: [^\n]+\n\Z")

    def test_call_prints_the_message(self):
        pretty = self.expect(self.at("zeebe", "call", "Topology"), 0, r'\A\{\n  "brokers"', "").out
        self.assertEqual(json.loads(pretty)["clusterSize"], 1)
        compact = self.expect(self.at("zeebe", "call", "gateway_protocol.Gateway/Topology", "--compact"), 0,
                              r'\A\{"brokers":[^\n]+\}\n\Z', "").out
        self.assertEqual(json.loads(compact), json.loads(pretty))

    def test_call_takes_its_data_in_every_form(self):
        path = os.path.join(self.sandbox.folder, "data.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write("{}\n")
        for data, stdin in (("{}", ""), ("@" + path, ""), (path, ""), ("-", " {}\n")):
            self.expect(self.at("zeebe", "call", "Topology", "--data", data, stdin=stdin), 0, '"clusterSize": 1', "")

    def test_messages_of_a_stream_come_as_they_arrive_and_with_json_as_lines(self):
        watch = ("zeebe", "call", "grpc.health.v1.Health/Watch", "--request-timeout", "60s")
        for flags, line in (((), "{\n"), (("-o", "json"), '{"status":"SERVING"}\n')):
            process = subprocess.Popen([WEIR, *watch, *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                       env=clean_environment(self.env))
            self.assertEqual(process.stdout.readline(), line)
            self.assertIsNone(process.poll())
            process.terminate()
            self.assertEqual(process.wait(30), 128 + signal.SIGTERM)
            process.stdout.close()

    def test_a_stream_that_outlasts_the_limit_is_75_and_its_messages_are_there(self):
        result = self.at("zeebe", "call", "grpc.health.v1.Health/Watch", "--json", "--request-timeout", "3s")
        self.expect(result, 75, Whole('{"status":"SERVING"}\n'))
        self.assertEqual(result.error()["status"], "TIMEOUT")

    def test_what_the_server_is_asked_to_wait_is_less_than_the_limit(self):
        start = time.monotonic()
        call = ("zeebe", "call", "ActivateJobs", "--request-timeout", "10s", "--data")
        self.expect(self.at(*call, '{"type":"t","worker":"w","timeout":1,"maxJobsToActivate":1}'), 0, "", "")
        self.assertTrue(8.5 < time.monotonic() - start < 30)
        longer = (*call, '{"type":"t","timeout":1,"maxJobsToActivate":1,"requestTimeout":30000}', "--request-timeout", "3s")
        self.expect(self.at(*longer), 75, "", "ActivateJobs")
        self.expect(self.at(*call, '{"type":"t","timeout":1,"maxJobsToActivate":1,"requestTimeout":-1}'), 0, "", "")

    def test_no_jobs_is_an_answer_within_the_limit(self):
        for words in (("--long-poll", "0"), ("--long-poll", "300ms"), ("--long-poll", "300ms", "--requestTimeout", "30s", "-o", "json")):
            self.expect(self.at("zeebe", "activate", "jobs", "nothing", *words), 0, Whole('{\n  "jobs": []\n}\n'), "")

    def test_human_is_zbctls_word_for_text(self):
        self.expect(self.at("zeebe", "status", "-o", "human"), 0, r"\ACluster size: 1\n", "")

    def test_verbose_says_what_grpcurl_says_and_no_token(self):
        result = self.at("zeebe", "call", "Topology", "-v", "--header", "X-Trace: 7", "--header", "raw-bin: AAE=", "--header",
                         "cookie: s3cret-of-a-header")
        self.expect(result, 0, '"clusterSize": 1')
        self.assertRegex(result.err, r"\AResolved method descriptor:\nrpc Topology ?\([^\n]+;\n\n"
                                     r"Request metadata to send:\nauthorization: \*\*\*\nx-trace: 7\nraw-bin: AAE=\ncookie: \*\*\*\n\n"
                                     r"Response headers received:\n(?:\S+: [^\n]*\n)+\nResponse contents:\n\n"
                                     r"Response trailers received:\n(?:\(empty\)|(?:\S+: [^\n]*\n?)+)\n?"
                                     r"Sent 1 request and received 1 response\n\Z")
        own = self.at("zeebe", "call", "Topology", "-v", "--header", "Authorization: Bearer " + self.token("--for", "zeebe"))
        self.assertIn("Request metadata to send:\nauthorization: ***\n\n", own.err)
        quiet = self.at("zeebe", "call", "Topology", "-v", env={"CAMUNDA_CLIENT_ID": None, "CAMUNDA_CLIENT_SECRET": None})
        self.assertIn("Request metadata to send:\n(empty)\n", quiet.err)

    def test_list_and_describe_need_no_gateway(self):
        nowhere = {"ZEEBE_ADDRESS": "nowhere.invalid:1"}
        names = self.expect(self.at("zeebe", "call", "--list", env=nowhere), 0, None, "").out.splitlines()
        self.assertIn("gateway_protocol.Gateway/Topology", names)
        self.assertEqual(json.loads(self.at("zeebe", "call", "--list", "--json", env=nowhere).out), names)
        for words in (("--describe", "PublishMessage"), ("PublishMessage", "--describe")):
            text = self.expect(self.at("zeebe", "call", *words, env=nowhere), 0, r"rpc PublishMessage", "").out
            self.assertRegex(text, r"message PublishMessageRequest \{\n  string name = 1;")
        document = json.loads(self.at("zeebe", "call", "--describe", "Topology", "-o", "json", env=nowhere).out)
        self.assertEqual(document["rpc"], "Topology")

    def test_commands_share_one_token_through_the_cache(self):
        asked = self.count("token")
        for words in (("status",), ("health",), ("call", "Topology")):
            self.expect(self.at("zeebe", *words), 0, None, "")
        token = self.token("--for", "zeebe")
        self.assertEqual(self.count("token"), asked + 1)
        ready = {"CAMUNDA_CLIENT_ID": None, "CAMUNDA_CLIENT_SECRET": None, "MY_TOKEN": token}
        self.expect(self.at("zeebe", "status", "--token-env", "MY_TOKEN", env=ready), 0, "Leader", "")
        self.expect(self.at("zeebe", "status", env={**ready, "WEIR_ACCESS_TOKEN": token}), 0, "Leader", "")

    def test_flags_in_zbctls_spelling(self):
        bare = {name: None for name in self.env if name.startswith(("ZEEBE_", "CAMUNDA_"))}
        result = self.at("zeebe", "status", "--address", self.env["ZEEBE_ADDRESS"], "--clientId", "sandbox", "--clientSecret",
                         "sandbox-secret", "--authzUrl", self.env["CAMUNDA_OAUTH_URL"], "--clientCache", self.cache,
                         "--requestTimeout", "30s", "--insecure", env=bare)
        self.expect(result, 0, "Leader")
        self.assertEqual(result.all_err.count("can see a secret given as a flag"), 1)

    def test_a_token_that_has_expired_at_the_gateway_is_renewed_once(self):
        self.expect(self.at("zeebe", "status"), 0)
        self.fault("zeebe.Topology", "1", "status:UNAUTHENTICATED")
        asked = self.count("token")
        self.expect(self.at("zeebe", "status"), 0, "Leader", "")
        self.assertEqual(self.count("token"), asked + 1)


class Failures(SandboxCase):
    def fails(self, status, name, *args, env=None, pattern="."):
        self.expect(self.one_line(self.at("zeebe", *args, env=env)), status, "", pattern)
        result = self.expect(self.at("zeebe", *args, "-o", "json", env=env), status, "")
        error = result.error()
        self.assertEqual(error["status"], name, result)
        return error

    def test_each_grpc_status_has_its_exit_status(self):
        for grpc, status, name in (
            ("PERMISSION_DENIED", 77, "FORBIDDEN"), ("UNAUTHENTICATED", 77, "BAD_LOGIN"), ("NOT_FOUND", 67, "NOT_FOUND"),
            ("ALREADY_EXISTS", 67, "CONFLICT"), ("FAILED_PRECONDITION", 67, "CONFLICT"), ("ABORTED", 67, "CONFLICT"),
            ("INTERNAL", 67, "REFUSED"), ("UNKNOWN", 67, "REFUSED"), ("INVALID_ARGUMENT", 65, "INVALID"),
            ("OUT_OF_RANGE", 65, "INVALID"), ("UNIMPLEMENTED", 78, "UNSUPPORTED"), ("DATA_LOSS", 76, "PROTOCOL"),
            ("DEADLINE_EXCEEDED", 75, "TIMEOUT"), ("UNAVAILABLE", 69, "UNREACHABLE"), ("RESOURCE_EXHAUSTED", 75, "BUSY"),
        ):
            with self.subTest(grpc):
                self.fault("forget")
                self.fault("zeebe.Topology", "all", f"status:{grpc}:words")
                error = self.fails(status, name, "call", "Topology", "--request-timeout", "3s")
                self.assertIn("words", error["message"])
                self.assertEqual(error["origin"], "grpc")

    def test_a_gateway_that_is_not_there_is_unreachable(self):
        error = self.fails(69, "UNREACHABLE", "status", "--request-timeout", "3s", env={"ZEEBE_ADDRESS": "127.0.0.1:1"},
                           pattern="127.0.0.1:1")
        self.assertEqual(error["origin"], "system")
        nobody = {"ZEEBE_ADDRESS": "nowhere.invalid:1", "CAMUNDA_CLIENT_ID": None, "CAMUNDA_CLIENT_SECRET": None}
        self.fails(69, "UNREACHABLE", "status", "--request-timeout", "3s", env=nobody, pattern="nowhere.invalid")

    def test_one_that_does_not_answer_is_a_timeout_in_time(self):
        self.fault("zeebe.Topology", "all", "hang")
        start = time.monotonic()
        self.fails(75, "TIMEOUT", "status", "--request-timeout", "500ms")
        self.assertLess(time.monotonic() - start, 20)

    def test_one_that_answers_nonsense_broke_the_protocol(self):
        self.fault("zeebe.Topology", "all", "garbage")
        self.fails(76, "PROTOCOL", "status", "--request-timeout", "10s")

    def test_refused_credentials_say_so_at_once(self):
        start = time.monotonic()
        self.fails(77, "BAD_LOGIN", "status", "--request-timeout", "60s", env={"CAMUNDA_CLIENT_SECRET": "wr0ng-s3cret"})
        self.assertLess(time.monotonic() - start, 30)

    def test_a_token_endpoint_that_is_down_is_said(self):
        self.fails(69, "UNREACHABLE", "status", "--request-timeout", "3s", env={"CAMUNDA_OAUTH_URL": "http://127.0.0.1:1/t"},
                   pattern="127.0.0.1:1")

    def test_a_temporary_failure_is_mended_inside_the_limit(self):
        self.fault("zeebe.Topology", "2", "status:UNAVAILABLE")
        self.expect(self.at("zeebe", "status", "--request-timeout", "30s"), 0, "Leader")
        self.fault("zeebe.Topology", "1", "goaway")
        self.expect(self.at("zeebe", "status", "--request-timeout", "30s"), 0, "Leader")

    def test_a_message_that_is_too_large_is_bad_data_and_not_repeated(self):
        before = self.count("zeebe.Topology")
        limit = ("--channel-option", "grpc.max_receive_message_length=10")
        self.fails(65, "INVALID", "call", "Topology", *limit, pattern="10")
        self.assertEqual(self.count("zeebe.Topology"), before + 2)
        self.fault("zeebe.Topology", "1", "status:RESOURCE_EXHAUSTED:Received message larger than max (4194305 vs. 4194304)")
        self.expect(self.at("zeebe", "call", "Topology"), 65, "")

    def test_a_proxy_that_is_not_there_is_named(self):
        nobody = {"ZEEBE_ADDRESS": "gw.invalid:1", "CAMUNDA_CLIENT_ID": None, "CAMUNDA_CLIENT_SECRET": None}
        self.fails(69, "UNREACHABLE", "status", "--request-timeout", "3s", "--proxy", "http://127.0.0.1:1", env=nobody,
                   pattern="127.0.0.1:1")

    def test_the_log_is_json_lines_when_asked_for(self):
        result = self.at("zeebe", "status", "--log-level", "trace", "--log-json", "--json", "--request-timeout", "3s",
                         env={"ZEEBE_ADDRESS": "127.0.0.1:1"})
        lines = [json.loads(line) for line in self.expect(result, 69, "").all_err.splitlines()]
        self.assertEqual(set(lines[0]), {"time", "level", "part", "channel", "message"})
        self.assertEqual(list(lines[-1]), ["error"])

    def test_warnings_of_attempts_are_said_as_they_come_when_asked_for(self):
        nowhere = {"ZEEBE_ADDRESS": "127.0.0.1:1"}
        result = self.at("zeebe", "status", "--log-level", "warn", "--request-timeout", "3s", env=nowhere)
        self.assertRegex(result.all_err, r"(?m)^weir: zeebe#\d+: warn: no connection")

    def test_a_signal_ends_it_with_130_or_143(self):
        self.fault("zeebe.Topology", "all", "hang")
        for number in (signal.SIGINT, signal.SIGTERM):
            before = self.count("zeebe.Topology")
            process = subprocess.Popen([WEIR, "zeebe", "status", "--request-timeout", "0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, env=clean_environment(self.env))
            limit = time.monotonic() + 30
            while self.count("zeebe.Topology") == before and time.monotonic() < limit:
                pass
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
            self.assertEqual((process.returncode, out), (128 + number, ""), err)

    def test_a_reader_that_goes_ends_a_stream_with_141(self):
        script = '(trap "" PIPE; "$WEIR" zeebe call grpc.health.v1.Health/Watch --json --request-timeout 30s >&-; echo $? >&2)'
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, timeout=60,
                              env=clean_environment({**self.env, "WEIR": WEIR}))
        self.assertEqual(done.stderr.splitlines()[-1], "141")


class Trust(SandboxCase):
    FLAGS = ("--tls",)

    def test_a_private_authority_is_trusted_when_it_is_given_and_only_then(self):
        bare = {"WEIR_CA_FILE": None, "ZEEBE_CA_CERTIFICATE_PATH": None}
        roots = self.env["WEIR_CA_FILE"]
        self.expect(self.at("zeebe", "status"), 0, "Leader", "")
        self.expect(self.at("zeebe", "status", "--ca-file", roots, env=bare), 0, "Leader", "")
        result = self.at("zeebe", "status", "--request-timeout", "5s", env=bare)
        self.expect(self.one_line(result), 76, "", "certificate")
        token = self.token("--for", "zeebe")
        ready = {**bare, "CAMUNDA_CLIENT_ID": None, "CAMUNDA_CLIENT_SECRET": None, "WEIR_ACCESS_TOKEN": token}
        self.expect(self.one_line(self.at("zeebe", "status", "--request-timeout", "5s", env=ready)), 76, "", "certificate")
        self.expect(self.at("zeebe", "status", "--certPath", roots, env=ready), 0, "Leader", "")

    def test_a_certificate_for_another_name_is_untrusted(self):
        result = self.at("zeebe", "status", "--authority", "other.example", "--request-timeout", "5s")
        self.expect(self.one_line(result), 76, "", "other.example")
        document = self.at("zeebe", "status", "--authority", "other.example", "--request-timeout", "5s", "--json").error()
        self.assertEqual((document["status"], document["origin"]), ("UNTRUSTED", "tls"))

    def test_plaintext_to_a_gateway_with_tls_is_an_error_that_says_what_to_do(self):
        insecure = {"ZEEBE_CA_CERTIFICATE_PATH": None, "ZEEBE_ADDRESS": self.env["ZEEBE_ADDRESS"].replace("grpcs://", ""),
                    "ZEEBE_INSECURE_CONNECTION": None}
        result = self.at("zeebe", "status", "--insecure", "--request-timeout", "3s", env=insecure)
        self.assertIn(result.status, (69, 76), result)
        self.one_line(result)


if __name__ == "__main__":
    unittest.main()
