#!/usr/bin/env python3
"""weir zeebe work: how jobs come to it, and what it says when they do not."""
import json
import os
import signal
import socket
import unittest

from cli_work_lib import ANSWER, KEY, WorkCase, summary


class Fetching(WorkCase):
    def test_polling_only_opens_no_stream_and_a_stream_is_never_alone(self):
        self.given({"n": 1})
        streams = self.count("zeebe.StreamActivatedJobs")
        self.assertEqual(self.one("--poll-only", "--complete", "{}")["outcome"], "completed")
        self.assertEqual(self.count("zeebe.StreamActivatedJobs"), streams)
        self.create({"n": 2})  # before there is a stream: nobody would push it
        self.assertEqual(self.one("--stream", "--complete", "{}")["outcome"], "completed")

    def test_a_gateway_without_streams_is_polled_without_a_word(self):
        self.given({"n": 1})
        self.fault("zeebe.StreamActivatedJobs", "100", "status:UNIMPLEMENTED")
        self.expect(self.work("--count", "1", "--complete", "{}"), 0, "", r"\A" + summary(completed=1))

    def test_its_name(self):
        self.given({"n": 1}, {"n": 2})
        out = self.path("jobs")
        running = self.start_work("--count", "1", "--timeout", "5s", "--whole-job", "--concurrency", "1", "--exec", f"cat >>{out}; echo >>{out}")
        self.expect(running.end(), 0)
        self.expect(self.work("--count", "1", "--name", "me", "--whole-job", "--exec", f"cat >>{out}; echo >>{out}"), 0)
        with open(out, encoding="utf-8") as file:
            names = [json.loads(line)["worker"] for line in file]
        self.assertEqual(names, [f"{socket.gethostname()}:{running.process.pid}", "me"])

    def test_tenants(self):
        """The sandbox has the default tenant only, and says so of others in the gateway's words."""
        self.given({"n": 1})
        for flags in (("--tenant-ids", "nobody"), ("--tenant-ids", "<default>,nobody"), ("--tenantIds", "<default>", "--tenantIds", "nobody")):
            self.one_line(self.expect(self.work(*flags, "--complete", "{}"), 65, "", "nobody"))
        self.assertEqual(self.one("--tenant-ids", "<default>", "--complete", "{}")["outcome"], "completed")

    def test_a_failed_job_comes_again_after_its_backoff(self):
        self.given({"n": 1})
        line = self.fails("no", "--retry-backoff", "1s", "--exec", "echo no >&2; exit 1")
        line = self.one("--complete", "{}")
        self.assertEqual(line["outcome"], "completed")
        self.given({"n": 2})
        lines = self.lines(self.work("-o", "json", "--retry-backoff", "1h", "--until-idle", "300ms", "--exec", "echo no >&2; exit 1"))
        self.assertEqual([line["outcome"] for line in lines], ["failed"])

    def test_a_coprocess_has_no_more_than_it_may(self):
        self.given(*({"n": n} for n in range(4)))
        out = self.path("third")
        # It reads two, then finds that no third comes however long it waits, answers, and so on.
        command = (f"read -r l; {KEY}a=$k; read -r l; {KEY}b=$k; read -r -t 0.5 l && echo third >{out}; k=$a; {ANSWER}k=$b; {ANSWER}")
        quoted = "'" + command.replace("'", "'\\''") + "'"
        result = self.work("-o", "json", "--count", "4", "--concurrency", "2", "--coprocess", f"while :; do bash -c {quoted} || exit; done")
        self.assertEqual([line["outcome"] for line in self.lines(result)], ["completed"] * 4)
        self.assertFalse(os.path.exists(out))


class Outages(WorkCase):
    def test_credentials_that_are_refused_later_are_an_outage(self):
        self.given({"n": 1})
        running = self.start_work("-o", "json", "--poll-only", "--complete", "{}")
        self.assertEqual(json.loads(running.line())["outcome"], "completed")
        self.fault("zeebe.ActivateJobs", "4", "status:UNAUTHENTICATED")
        self.create({"n": 2})
        self.assertEqual(json.loads(running.line())["outcome"], "completed")
        running.signal(signal.SIGTERM)
        self.expect(running.end(), 0, "", r"\A(weir: zeebe: no jobs can be fetched, trying again: [^\n]+\n"
                                          r"weir: zeebe: jobs can be fetched again\n)?" + summary(completed=2))

    def test_a_token_endpoint_that_is_not_there_is_an_outage_like_any_other(self):
        nowhere = {"CAMUNDA_OAUTH_URL": "http://127.0.0.1:1/token", "WEIR_TOKEN_CACHE": "none"}
        for flags in ((), ("--poll-only",), ("--stream",)):
            result = self.work("--give-up", "500ms", "--complete", "{}", *flags, env=nowhere)
            # The second failure is said, unless it is the last one.
            self.expect(result, 69, "", r"\A(weir: zeebe: no jobs can be fetched, trying again: [^\n]*127\.0\.0\.1:1[^\n]*\n)?"
                                        r"weir: zeebe: [^\n]*127\.0\.0\.1:1[^\n]*\n\Z")

    def test_a_gateway_that_takes_calls_and_is_silent_is_given_up(self):
        self.fault("zeebe", "all", "hang")
        result = self.work("--give-up", "500ms", "--complete", "{}")
        self.expect(result, 75, "", r"\A(weir: zeebe: no jobs can be fetched, trying again: [^\n]+\n)?weir: zeebe: ActivateJobs: [^\n]+\n\Z")

    def test_one_that_nobody_reads_ends_although_nothing_comes(self):
        self.deploy()
        for flags in ((), ("-o", "json")):
            running = self.start_work("--complete", "{}", *flags)
            running.process.stdout.close()
            running.process.stdout = None
            self.expect(running.end(), 141, "", "")

    def test_a_hangup_is_a_signal_like_any_other(self):
        self.given({"n": 1})
        running = self.start_work("-o", "json", "--complete", "{}")
        self.assertEqual(json.loads(running.line())["outcome"], "completed")
        running.signal(signal.SIGHUP)
        self.expect(running.end(), 0, "", r"\A" + summary(completed=1))


if __name__ == "__main__":
    unittest.main()
