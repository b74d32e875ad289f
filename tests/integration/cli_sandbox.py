#!/usr/bin/env python3
"""`weir sandbox` as scripts use it: its variables, its faults, its end."""
import json
import os
import signal
import subprocess
import tempfile
import unittest

from cli_lib import DEADLINE, WEIR, Case, SandboxCase, clean_environment

PRINT = ("sh", "-c", 'printf "%s," "$CAMUNDA_CLIENT_ID" "$ZEEBE_CLIENT_ID" "$CAMUNDA_CLIENT_SECRET" "$WEIR_ACCESS_TOKEN" "$CAMUNDA_CLUSTER_ID"')
ELSEWHERE = {"CAMUNDA_CLIENT_ID": "me", "CAMUNDA_CLIENT_SECRET": "s3cret-of-a-flag", "CAMUNDA_OAUTH_URL": "https://idp.invalid/token",
             "ZEEBE_CLIENT_ID": "me", "ZEEBE_CLIENT_SECRET": "s3cret-of-a-flag", "WEIR_ACCESS_TOKEN": "s3cret-of-a-flag",
             "ZEEBE_HOST": "nowhere.invalid", "CAMUNDA_CLUSTER_ID": "mine", "CAMUNDA_CLIENT_SECRET_FILE": "/nonexistent/secret"}


class Environment(Case):
    def test_what_a_profile_says_leads_no_client_elsewhere(self):
        self.expect(self.weir("sandbox", "--", *PRINT, env=ELSEWHERE), 0, r"\Asandbox,,sandbox-secret,,,\Z", "")
        self.expect(self.weir("sandbox", "--only", "zeebe", "--", *PRINT, env=ELSEWHERE), 0, r"\A,,,,,\Z", "")
        for only in (("--only", "zeebe"), ()):
            self.expect(self.weir("sandbox", *only, "--", WEIR, "zeebe", "status", env=ELSEWHERE), 0, "Leader", "")

    def test_what_it_prints_undoes_what_a_profile_says(self):
        with subprocess.Popen([WEIR, "sandbox", "--only", "zeebe", "-o", "json"], stdout=subprocess.PIPE, text=True,
                              env=clean_environment(ELSEWHERE)) as process:
            env = json.loads(process.stdout.readline())
            self.expect(self.weir("zeebe", "status", env={**ELSEWHERE, **env}), 0, "Leader", "")
            process.terminate()

    def test_the_example_of_its_help_works_as_it_stands(self):
        text = self.weir("sandbox", "--help").out
        example = text[text.index("# in the background of a shell\n"):].splitlines()[1:]
        with tempfile.TemporaryDirectory() as folder:
            script = "\n".join(["set -e", "trap 'kill $!' EXIT", *example, "weir zeebe status"])
            done = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=DEADLINE, check=False,
                                  env={**clean_environment(), "PATH": os.path.dirname(WEIR) + ":" + os.environ["PATH"]})
        self.assertEqual((done.returncode, "Leader" in done.stdout), (0, True), done.stderr)


class Deploy(Case):
    CREATE = ("--", WEIR, "zeebe", "call", "CreateProcessInstance", "--compact", "--data", '{"bpmnProcessId":"one_task","version":1}')

    def test_what_is_deployed_at_the_start_can_be_created(self):
        task = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers", "one_task.bpmn")
        self.expect(self.weir("sandbox", "--deploy", task, *self.CREATE), 0, '"processInstanceKey":"22517998136852', "")
        self.expect(self.one_line(self.weir("sandbox", "--only", "oauth", "--deploy", task, "--", "true")), 65, "", "without the service zeebe")

    def test_what_cannot_be_deployed_is_no_start(self):
        self.expect(self.one_line(self.weir("sandbox", "--deploy", "/nonexistent.bpmn", *self.CREATE)), 74, "", "/nonexistent.bpmn")
        with tempfile.TemporaryDirectory() as folder:
            for name, text, words in (("a.bpmn", "<a/>", "'a.bpmn': line 1: it is no BPMN"), ("a.txt", "", "'a.txt': unknown resource type")):
                path = os.path.join(folder, name)
                with open(path, "w", encoding="ascii") as file:
                    file.write(text)
                self.expect(self.one_line(self.weir("sandbox", "--deploy", path, *self.CREATE)), 65, "", words)


class End(Case):
    def start(self):
        process = subprocess.Popen([WEIR, "sandbox", "-o", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=clean_environment())
        return process, os.path.dirname(json.loads(process.stdout.readline())["OAUTH_PRIVATE_KEY"])

    def ends(self, process, folder, status):
        self.assertEqual(process.wait(DEADLINE), status)
        self.assertFalse(os.path.exists(folder), "its folder is left behind")
        process.stderr.close()
        process.stdout.close()

    def test_a_reader_that_goes_ends_it_with_141(self):
        process, folder = self.start()
        process.stdout.close()
        self.ends(process, folder, 141)

    def test_a_signal_ends_it_with_0_and_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process, folder = self.start()
            process.send_signal(number)
            self.ends(process, folder, 0)


class Faults(SandboxCase):
    def test_many_faults_come_from_a_file(self):
        self.expect(self.at("sandbox", "fault", "--script", "-", stdin="# two\ntoken 1 error:invalid_scope\n\nzeebe.Topology 1 status:INTERNAL\n"), 0, "", "")
        self.expect(self.at("token"), 65, "", "invalid_scope")
        self.expect(self.at("zeebe", "status"), 67, "", "INTERNAL")
        self.expect(self.one_line(self.at("sandbox", "fault", "--script", "-", stdin="token 1 cut\ntoken x cut\n")), 65, "", '"x"')
        self.expect(self.one_line(self.at("sandbox", "fault", "--script", "/nonexistent/script")), 74, "", "/nonexistent/script")
        self.expect(self.one_line(self.at("sandbox", "fault", "token", "--script", "x")), 64, "", "--script")
        self.expect(self.one_line(self.at("sandbox", "fault")), 64, "", "WHAT N HOW is missing")

    def test_a_request_that_is_too_large_is_bad_data(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write('{"type":"' + "a" * 5000000 + '"}')
            file.flush()
            self.expect(self.one_line(self.at("zeebe", "call", "ActivateJobs", "--data", "@" + file.name)), 65, "", "maximum size")

    def test_what_fails_is_one_line_or_one_document_whatever_was_tried_before(self):
        for what in ("zeebe.Topology", "zeebe.connections"):
            for how in ("cut", "garbage", "hang"):
                self.fault("forget")
                self.fault(what, "all", how)
                self.one_line(self.at("zeebe", "status", "--request-timeout", "500ms"))
                self.assertIn("message", self.at("zeebe", "status", "--request-timeout", "500ms", "--json").error(), (what, how))


class Orders(SandboxCase):
    def emit(self, *args, stdin=None):
        return [int(line) for line in self.expect(self.at("sandbox", "emit", *args, stdin=stdin), 0).out.splitlines()]

    def test_each_event_gets_a_replay_id_that_comes_after_the_others(self):
        ids = self.emit("salesforce", "/event/A__e", "--data", '{"x":1}') + self.emit("salesforce", "/u/A", "--data", '"text"')
        ids += self.emit("salesforce", "/topic/A", "--lines", stdin='{"a":1}\n\n{"a":2}\n') + self.emit("salesforce", "/event/A__e", "--count", "2500")
        self.assertEqual((len(ids), sorted(set(ids))), (2504, ids))
        self.assertEqual(self.emit("salesforce", "/event/A__e", "--replay-id", "9007199254740993"), [9007199254740993])
        self.assertEqual(self.emit("bayeux", "/a/b", "--data", "[1]"), [])

    def test_what_cannot_be_emitted_is_refused(self):
        for args, status, words in (
            (("salesforce", "event/A__e"), 65, "is no channel"),
            (("salesforce", "/event/B__e", "--data", "[]"), 65, "must be a JSON object"),
            (("salesforce", "/event/B__e", "--data", "{"), 65, "--data.*line 1"),
            (("salesforce", "/event/B__e", "--count", "0"), 65, "--count"),
            (("salesforce", "/event/B__e", "--replay-id", "1"), 65, "does not come after"),
            (("salesforce", "/event/a__E"), 65, "only by case"),
            (("bayeux", "/a/*"), 65, "no channel"),
            (("webpubsub", "x"), 64, "there are salesforce and bayeux"),
            (("salesforce",), 64, "CHANNEL"),
            (("salesforce", "/u/x", "--lines", "--data", "1"), 64, "--lines"),
        ):
            self.emit("salesforce", "/event/A__e")
            self.expect(self.one_line(self.at("sandbox", "emit", *args)), status, "", words)

    def test_orders_are_obeyed_or_refused(self):
        for order in ("salesforce forget", "salesforce forget /event/C__e 3", "salesforce kill", "salesforce expire", "salesforce reroute", "bayeux kill", "salesforce stop",
                      "salesforce stop", "salesforce start", "salesforce start"):
            self.expect(self.at("sandbox", "now", *order.split()), 0, "", "")
        for order in ("salesforce explode", "bayeux forget", "salesforce kill /a", "salesforce forget /a x"):
            self.expect(self.one_line(self.at("sandbox", "now", *order.split())), 65, "", "there are|no number")


if __name__ == "__main__":
    unittest.main()
