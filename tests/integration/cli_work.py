#!/usr/bin/env python3
"""weir zeebe work against the sandbox's gateway: the three kinds of handlers, word by word, and how they end."""
import json
import os
import re
import signal
import threading
import unittest

from cli_lib import WEIR, Whole
from cli_work_lib import ANSWER, KEY, NUMBERS, SUMMARY, WorkCase, summary


class Processes(WorkCase):
    def test_variables_go_in_and_come_out(self):
        self.deploy()
        result = self.awaited({"n": 1, "text": "gr\u00fc\u00df \"x\"\n"})
        out = self.path("stdin")
        done = self.work("--count", "1", "--", "sh", "-c", f'tee {out} >/dev/null; echo \'{{"answer": 42}}\'')
        self.expect(done, 0, "", r"\A" + summary(completed=1))
        self.assertEqual(result(), {"n": 1, "text": "gr\u00fc\u00df \"x\"\n", "answer": 42})
        with open(out, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(json.loads(text), {"n": 1, "text": "gr\u00fc\u00df \"x\"\n"})
        self.assertFalse(text.endswith("\n"))

    def test_exec_is_a_shell_command(self):
        self.deploy()
        result = self.awaited({"n": 20})
        self.expect(self.work("--count", "1", "--exec", 'read -r v; v=${v#*:}; echo "{\\"m\\":$((${v%\\}} + 1))}" | cat'), 0, "")
        self.assertEqual(result()["m"], 21)

    def test_nothing_on_stdout_is_no_variables(self):
        self.deploy()
        for command in ("true", "printf ' \\n\\t '"):
            result = self.awaited({"n": 1})
            self.expect(self.work("--count", "1", "--exec", command), 0, "")
            self.assertEqual(result(), {"n": 1})

    def test_what_the_environment_says_of_a_job(self):
        self.given({"n": 1})
        out = self.path("env")
        self.expect(self.work("--count", "1", "--timeout", "60s", "--", "sh", "-c", f"env | grep '^WEIR_JOB_' >{out}"), 0)
        with open(out, encoding="utf-8") as file:
            env = dict(line.rstrip("\n").split("=", 1) for line in file)
        self.assertEqual(set(env), {"WEIR_JOB_" + name for name in (
            "KEY", "TYPE", "RETRIES", "DEADLINE", "PROCESS_INSTANCE_KEY", "BPMN_PROCESS_ID", "PROCESS_DEFINITION_KEY",
            "ELEMENT_ID", "ELEMENT_INSTANCE_KEY", "TENANT_ID", "CUSTOM_HEADERS")})
        self.assertEqual(env["WEIR_JOB_TYPE"], self.type)
        self.assertEqual(env["WEIR_JOB_RETRIES"], "3")
        self.assertEqual(env["WEIR_JOB_ELEMENT_ID"], "task")
        self.assertEqual(env["WEIR_JOB_BPMN_PROCESS_ID"], "process_" + self.type)
        self.assertEqual(env["WEIR_JOB_TENANT_ID"], "<default>")
        self.assertEqual(json.loads(env["WEIR_JOB_CUSTOM_HEADERS"]), {"colour": "dark & red"})
        for name in ("KEY", "PROCESS_INSTANCE_KEY", "PROCESS_DEFINITION_KEY", "ELEMENT_INSTANCE_KEY", "DEADLINE"):
            self.assertRegex(env["WEIR_JOB_" + name], r"\A\d{10,}\Z")

    def test_the_whole_job_is_protojson(self):
        self.given({"n": 1})
        out = self.path("job")
        self.expect(self.work("--count", "1", "--whole-job", "--exec", f"cat >{out}"), 0)
        with open(out, encoding="utf-8") as file:
            job = json.load(file)
        self.assertEqual((job["type"], job["retries"], json.loads(job["variables"])), (self.type, 3, {"n": 1}))
        self.assertIsInstance(job["key"], str)

    def test_only_the_variables_that_were_asked_for(self):
        self.given({"a": 1, "b": 2, "c": 3})
        out = self.path("stdin")
        self.expect(self.work("--count", "1", "--fetch-variables", "a,c", "--exec", f"cat >{out}"), 0)
        with open(out, encoding="utf-8") as file:
            self.assertEqual(json.load(file), {"a": 1, "c": 3})

    def test_programs_inherit_no_secret_and_nothing_else_is_missing(self):
        self.given({"n": 1})
        secrets = {"CAMUNDA_CLIENT_SECRET": self.env["CAMUNDA_CLIENT_SECRET"], "ZEEBE_CLIENT_SECRET_FILE": "/s3cret",
                   "OAUTH_PASSWORD": "s3cret-of-a-flag", "SALESFORCE_REFRESH_TOKEN": "s3cret-of-a-flag", "MINE": "kept"}
        out = self.path("env")
        self.expect(self.work("--count", "1", "--exec", f"env >{out}", env=secrets), 0)
        with open(out, encoding="utf-8") as file:
            env = dict(line.split("=", 1) for line in file.read().splitlines() if "=" in line)
        for name in list(secrets)[:-1]:
            self.assertNotIn(name, env)
        self.assertEqual((env["MINE"], env["CAMUNDA_CLIENT_ID"]), ("kept", self.env["CAMUNDA_CLIENT_ID"]))

    def test_programs_get_ordinary_signals_and_three_descriptors(self):
        self.given({"n": 1})
        out = self.path("status")
        command = f"{{ ls /proc/self/fd | tr '\\n' ' '; grep -E '^Sig(Blk|Ign)' /proc/self/status; }} >{out}"
        read, write = os.pipe()
        self.start_work("--count", "1", "--exec", command, pass_fds=(read, write)).end()
        os.close(read)
        os.close(write)
        with open(out, encoding="utf-8") as file:
            text = file.read()
        self.assertTrue(text.startswith("0 1 2 3 "), text)  # 3 is the folder that ls reads
        ignored, blocked = (int(text.split(name)[1].split()[0], 16) for name in ("SigIgn:", "SigBlk:"))
        self.assertEqual((ignored & 0x7FFFFFFF, blocked), (0, 0))

    def test_outcomes(self):
        self.given({"n": 1})
        fail = '{"fail":{"retries":2,"retryBackoff":"0s","errorMessage":"not yet","variables":{"x":1}}}'
        line = self.fails(r"\Anot yet\Z", "--outcomes", "--exec", f"echo '{fail}'")
        line = self.one("--outcomes", "--exec", 'echo "{\\"key\\":\\"$WEIR_JOB_KEY\\",\\"throw\\":{\\"errorCode\\":\\"C\\"}}"')
        self.assertEqual(line["outcome"], "thrown")
        self.create({"n": 2})
        self.assertEqual(self.one("--outcomes", "--exec", 'echo \'{"complete":{"b":2}}\'')["outcome"], "completed")

    def test_outcomes_that_are_none_fail_the_job(self):
        self.retries = 10
        self.given({"n": 1})
        for text, message in (("", "wrote no outcome"), ("nonsense", "outcome is no JSON"), ("{}", "has none of"),
                              ('{"complete":{},"more":1}', "not known"), ('{"key":"1","complete":{}}', "of another job: 1")):
            self.fails("the handler.*" + message, "--outcomes", "--exec", f"printf %s '{text}'")

    def test_what_fails_says_why_and_has_a_try_less(self):
        self.given({"n": 1})
        out = self.path("retries")
        count = f"echo $WEIR_JOB_RETRIES >>{out}; "
        self.fails(r"\Atwo\nlines\Z", "--exec", count + "echo two >&2; echo lines >&2; exit 1")
        self.fails(r"\Athe handler ended with status 9\Z", "--exec", count + "exit 9")
        self.fails(r"\Athe handler was ended by signal 11 \(Segmentation fault\): oh\Z", "--exec",
                   count + "echo oh >&2; kill -SEGV $$")
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read().split(), ["3", "2", "1"])

    def test_output_that_is_no_object_fails_the_job(self):
        self.retries = 10
        self.given({"n": 1})
        for text in ("42", "[]", "{", '{"a":1} {}', "{'a':1}"):
            self.fails(r"\Athe handler's output is no JSON object", "--", "printf", "%s", text)

    def test_a_message_is_the_end_of_what_was_said_and_bounded(self):
        self.given({"n": 1})
        line = self.fails(r"the end\Z", "--exec", "yes gr\u00fc\u00df | head -n 100000 >&2; echo the end >&2; exit 1")
        self.assertTrue(8000 <= len(line["error"].encode()) <= 8192)

    def test_a_flood_fails_its_job_and_the_worker_goes_on(self):
        self.given({"n": 1}, {"n": 2})
        lines = self.lines(self.work("-o", "json", "--count", "2", "--retry-backoff", "1h", "--exec",
                                     "read -r v; case $v in *1*) yes;; esac"))
        self.assertEqual(sorted(line["outcome"] for line in lines), ["completed", "failed"])
        error = next(line["error"] for line in lines if line["outcome"] == "failed")
        self.assertEqual(error, "the handler wrote more than 4194304 bytes to its standard output, and was ended")

    def test_one_that_never_ends_is_ended(self):
        self.given({"n": 1})
        out = self.path("pids")
        line = self.fails(r"\Athe handler did not end within 500ms, and was ended\Z", "--timeout", "2s", "--handler-timeout", "500ms",
                          "--exec", f"tail -f /dev/null & echo $! >{out}; wait")
        self.assertGreaterEqual(line["ms"], 500)
        with open(out, "a+", encoding="utf-8") as file:
            file.seek(0)
            self.ends(int(file.read() or 0))

    def ends(self, pid):
        """What a handler has started is ended with it: it is reparented, and gone as soon as its new parent looks. 0: it
        had not yet started anything."""
        for _ in range(1000):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                    if file.read().split(")")[1].split()[0] in "ZX":
                        return
            except FileNotFoundError:
                return
            threading.Event().wait(0.01)
        self.fail(f"process {pid} still runs")

    def in_time(self, test):
        """A machine that stands still for longer than a lock shows nothing: then the same with a longer one."""
        for seconds in (1, 4):
            self.type = f"type{next(NUMBERS)}"
            self.given({"n": 1})
            if test(seconds):
                return
        self.type = f"type{next(NUMBERS)}"
        self.given({"n": 1})
        self.assertTrue(test(16))

    def test_a_lock_is_kept_while_its_handler_runs(self):
        def test(seconds):
            line = self.one("--timeout", f"{seconds}s", "--exec", f"sleep {2 * seconds}")
            self.assertGreaterEqual(line["ms"], 1000)
            return line["outcome"] == "completed" and line["ms"] >= 2000 * seconds
        self.in_time(test)

    def test_a_handler_whose_lock_is_lost_is_told(self):
        def test(seconds):
            out = self.path(f"told{seconds}")
            line = self.one("--timeout", f"{seconds}s", "--no-heartbeat", "--exec",
                            f"trap 'echo told >{out}; exit 1' TERM; tail -f /dev/null & wait")
            self.assertEqual((line["outcome"], line["error"]), ("lost", "the job was lost while its handler ran"))
            return os.path.exists(out)
        self.in_time(test)

    def test_several_at_once_and_no_more(self):
        self.given(*({"n": n} for n in range(9)))
        folder = self.path("at-once")
        os.mkdir(folder)
        command = f'touch {folder}/$WEIR_JOB_KEY; n=$(ls {folder} | wc -l); sleep 0.2; rm {folder}/$WEIR_JOB_KEY; echo "{{\\"at\\":$n}}"'
        done = self.work("--count", "9", "--concurrency", "3", "--exec", command + f"; echo $n >>{self.path('counts')}")
        self.expect(done, 0, "", r"\A" + summary(completed=9))
        with open(self.path("counts"), encoding="utf-8") as file:
            self.assertLessEqual(max(map(int, file.read().split())), 3)

    def test_variables_for_all_and_no_program(self):
        self.deploy()
        result = self.awaited({"n": 1})
        self.assertEqual(self.one("--complete", '{"a": [1, 2]}')["outcome"], "completed")
        self.assertEqual(result(), {"n": 1, "a": [1, 2]})


class Coprocesses(WorkCase):
    def test_jobs_are_lines_in_any_order(self):
        self.given(*({"n": n} for n in range(5)))
        loop = 'while read -r l; do ' + KEY + ANSWER + 'done'
        lines = self.lines(self.work("-o", "json", "--count", "5", "--coprocess", loop))
        self.assertEqual([line["outcome"] for line in lines], ["completed"] * 5)
        self.assertEqual(len({line["key"] for line in lines}), 5)
        self.given({"n": 6}, {"n": 7})
        both = f"read -r l; {KEY}a=$k; read -r l; {KEY}{ANSWER}k=$a; {ANSWER}cat >/dev/null"
        self.assertEqual(len(self.lines(self.work("-o", "json", "--count", "2", "--concurrency", "2", "--coprocess", both))), 2)

    def test_a_line_is_the_job_as_protojson(self):
        self.given({"n": 1})
        out = self.path("line")
        self.one("--coprocess", f'read -r l; printf "%s\\n" "$l" >{out}; {KEY}{ANSWER}cat >/dev/null')
        with open(out, encoding="utf-8") as file:
            job = json.loads(file.read())
        self.assertEqual((job["type"], json.loads(job["variables"]), job["customHeaders"]),
                         (self.type, {"n": 1}, '{"colour":"dark & red"}'))

    def test_it_fails_and_throws(self):
        self.given({"n": 1})
        fail = 'read -r l; ' + KEY + 'echo "{\\"key\\":$k,\\"fail\\":{\\"errorMessage\\":\\"no\\"}}"; cat >/dev/null'
        self.fails(r"\Ano\Z", "--coprocess", fail)
        throw = 'read -r l; ' + KEY + 'echo "{\\"key\\":$k,\\"throw\\":{\\"errorCode\\":\\"C\\"}}"; cat >/dev/null'
        self.assertEqual(self.one("--coprocess", throw)["outcome"], "thrown")

    def test_a_job_that_kills_it_does_not_loop_for_ever(self):
        self.retries = 2
        self.given({"kill": 1})
        out = self.path("retries")
        command = f'read -r l; r=${{l#*\\"retries\\":}}; echo "${{r%%,*}}" >>{out}; echo ouch >&2; exit 3'
        result = self.work("-o", "json", "--until-idle", "1s", "--coprocess", command)
        lines = self.lines(result)
        self.assertEqual([line["error"] for line in lines], ["the coprocess ended with status 3: ouch"] * 3)
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read().split(), ["2", "2", "1"])
        self.assertGreaterEqual(result.err.count("ouch\n"), 3)  # its stderr is passed on

    def test_deaths_in_a_row_are_said_once_and_that_they_are_over(self):
        self.retries = 9
        self.given({"n": 1})
        lives = self.path("lives")
        command = f'echo >>{lives}; [ "$(wc -l <{lives})" -gt 4 ] || exit 3; read -r l; {KEY}{ANSWER}cat >/dev/null'
        result = self.work("-o", "json", "--until-idle", "2s", "--coprocess", command)
        self.assertEqual(self.lines(result)[-1]["outcome"], "completed")
        said = [line for line in result.all_err.splitlines() if line.startswith("weir: coprocess: warn: ")]
        self.assertEqual(said, ["weir: coprocess: warn: it ended with status 3; it is started again",
                                "weir: coprocess: warn: it works again, after it has ended 4 times"], result)
        self.expect(result, 0, None, SUMMARY.format(1, r"\d", 0, 0, 0) + r"\Z")

    def test_one_that_is_not_there_fails_its_jobs_in_the_shells_words(self):
        self.given({"n": 1})
        self.fails(r"the coprocess ended with status 127: .*no-such-program", "--coprocess", "no-such-program")

    def test_what_it_says_beside_outcomes_is_a_warning(self):
        self.given({"n": 1})
        command = 'echo ready; echo \'{"key":"1","complete":{}}\'; read -r l; ' + KEY + ANSWER + ANSWER + "cat >/dev/null"
        result = self.work("--count", "1", "--coprocess", command)
        self.expect(result, 0, "")
        self.assertRegex(result.all_err, "no outcome: the line is no JSON")
        self.assertRegex(result.all_err, "of job 1, which is not in its hand")

    def test_one_that_stands_still_is_ended_and_the_next_job_handled(self):
        self.given({"n": 1})
        flag = self.path("flag")
        command = f"if [ -e {flag} ]; then read -r l; {KEY}{ANSWER}cat >/dev/null; fi; touch {flag}; exec tail -f /dev/null"
        lines = self.lines(self.work("-o", "json", "--until-idle", "1s", "--handler-timeout", "3s", "--coprocess", command))
        self.assertEqual([lines[0]["outcome"], lines[-1]["outcome"]], ["failed", "completed"])
        self.assertEqual(lines[0]["error"], "the coprocess did not answer within 3s, and was ended")

    def test_its_input_ends_before_it_is_told(self):
        self.given({"n": 1})
        out = self.path("bye")
        command = f"trap 'echo term >>{out}' TERM; read -r l; {KEY}{ANSWER}cat >/dev/null; echo bye >>{out}"
        self.one("--coprocess", command)
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read(), "bye\n")


class Ends(WorkCase):
    def test_count_is_exact(self):
        self.given(*({"n": n} for n in range(8)))
        result = self.work("-o", "json", "--count", "3", "--timeout", "5s", "--complete", "{}")
        outcomes = [line["outcome"] for line in self.lines(result)]
        self.assertEqual(outcomes.count("completed"), 3)
        self.assertEqual(set(outcomes) - {"completed", "returned"}, set())
        rest = self.lines(self.work("-o", "json", "--count", "5", "--complete", "{}"))  # some may come back by their lock
        self.assertEqual([line["outcome"] for line in rest], ["completed"] * 5)

    def test_idle_is_an_end_but_an_outage_is_not(self):
        self.deploy()
        self.expect(self.work("--until-idle", "300ms", "--complete", "{}"), 0, "", r"\A" + summary())
        self.fault("zeebe.ActivateJobs", "3", "status:UNAVAILABLE")
        result = self.work("--until-idle", "300ms", "--poll-only", "--complete", "{}")
        self.expect(result, 0, "", r"\Aweir: zeebe: no jobs can be fetched, trying again: [^\n]+\nweir: zeebe: jobs can be fetched again\n" + summary())

    def test_a_signal_lets_handlers_finish_and_hands_the_rest_back(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.type = f"type{next(NUMBERS)}"
            self.given({"n": 1}, {"n": 2}, {"n": 3})
            go, begun = self.path(f"go{number}"), self.path(f"begun{number}")
            os.mkfifo(go)
            os.mkfifo(begun)
            running = self.start_work("-o", "json", "--timeout", "20s", "--concurrency", "1", "--exec", f"echo x >{begun}; read -r x <{go}; echo '{{}}'")
            with open(begun, encoding="utf-8") as file:
                file.read()
            self.wait_until_taken()
            running.signal(number)
            self.assertEqual(json.loads(running.line())["outcome"], "returned")  # it has heard
            with open(go, "w", encoding="utf-8") as file:
                file.write("x\n")
            lines = self.lines(running.end())
            self.assertIn("completed", [line["outcome"] for line in lines])
            self.assertLessEqual({line["outcome"] for line in lines}, {"completed", "returned"})
            out = self.path(f"retries{number}")
            self.expect(self.work("--count", "2", "--exec", f"echo $WEIR_JOB_RETRIES >>{out}"), 0)
            with open(out, encoding="utf-8") as file:
                self.assertEqual(file.read().split(), ["3", "3"])

    def wait_until_taken(self):
        """Until no job is left for another worker."""
        for _ in range(200):
            answer = self.at("zeebe", "activate", "jobs", self.type, "--max-jobs", "1", "--timeout", "1ms", "--request-timeout", "200ms")
            if answer.status == 75:
                continue  # the machine stood still
            if not json.loads(self.expect(answer, 0).out)["jobs"]:
                return
        self.fail("some jobs were never activated")

    def test_what_outlasts_the_drain_is_handed_back(self):
        self.given({"n": 1})
        begun, out = self.path("begun"), self.path("told")
        os.mkfifo(begun)
        running = self.start_work("-o", "json", "--drain", "100ms", "--exec",
                                  f"trap 'echo told >{out}; exit 0' TERM; echo x >{begun}; tail -f /dev/null & wait")
        with open(begun, encoding="utf-8") as file:
            file.read()
        running.signal(signal.SIGTERM)
        self.assertEqual([line["outcome"] for line in self.lines(running.end())], ["returned"])
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read(), "told\n")
        self.assertEqual(self.one("--complete", "{}")["outcome"], "completed")

    def test_a_second_signal_ends_at_once_with_all_that_runs(self):
        for first, second, status in ((signal.SIGINT, signal.SIGINT, 130), (signal.SIGINT, signal.SIGTERM, 143)):
            self.type = f"type{next(NUMBERS)}"
            self.given({"n": 1}, {"n": 2})
            begun, out = self.path(f"begun{status}"), self.path(f"told{status}")
            os.mkfifo(begun)
            os.mkfifo(out)
            running = self.start_work("-o", "json", "--concurrency", "1", "--exec",
                                      f"trap 'echo told >{out}; exit 0' TERM; echo x >{begun}; tail -f /dev/null & wait")
            with open(begun, encoding="utf-8") as file:
                file.read()
            self.wait_until_taken()
            running.signal(first)
            self.assertEqual(json.loads(running.line())["outcome"], "returned")  # it has heard
            running.signal(second)
            self.assertEqual(running.end().status, status)
            with open(out, encoding="utf-8") as file:
                self.assertEqual(file.read(), "told\n")

    def test_a_closed_stdout_ends_it_silently(self):
        self.given({"n": 1})
        read, write = os.pipe()
        running = self.start_work("-o", "json", "--complete", "{}", stdout=write)
        os.close(write)
        os.close(read)
        self.expect(running.end(), 141, "", "")

    def test_a_torn_last_line_is_ended_first(self):
        self.given({"n": 1})
        path = self.path("out")
        for before, after in (('{"torn":', '{"torn":\n'), ('{"a":1}\n', '{"a":1}\n'), ("", "")):
            with open(path, "w", encoding="utf-8") as file:
                file.write(before)
            with open(path, "a", encoding="utf-8") as file:
                self.start_work("-o", "json", "--count", "1", "--complete", "{}", stdout=file).end()
            self.create({"n": 2})
            with open(path, encoding="utf-8") as file:
                text = file.read()
            self.assertTrue(text.startswith(after + '{"key":"'), text)
            self.assertEqual(text.count("\n"), after.count("\n") + 1)

    def test_what_retrying_cannot_mend_ends_it_with_its_status(self):
        self.fault("zeebe.ActivateJobs", "1", "status:PERMISSION_DENIED")
        self.one_line(self.expect(self.work("--poll-only", "--complete", "{}"), 77, "", "weir: zeebe: "))

    def test_give_up_ends_an_outage_with_its_status(self):
        nowhere = {"ZEEBE_ADDRESS": "127.0.0.1:1", "CAMUNDA_CLIENT_ID": None, "CAMUNDA_CLIENT_SECRET": None}
        result = self.work("--give-up", "500ms", "--complete", "{}", env=nowhere)
        self.expect(result, 69, "", r"\A(weir: zeebe: no jobs can be fetched, trying again: [^\n]+\n)?weir: zeebe: [^\n]*127\.0\.0\.1:1[^\n]*\n\Z")
        result = self.work("--give-up", "500ms", "--complete", "{}", "-o", "json", env=nowhere)
        self.assertEqual(json.loads(re.search(r"(?m)^\{.*$", result.all_err).group())["error"]["status"], "UNREACHABLE")

    def test_a_wrong_login_ends_it_at_once(self):
        result = self.work("--complete", "{}", env={"CAMUNDA_CLIENT_SECRET": "wr0ng-s3cret"})
        self.one_line(self.expect(result, 77, "", "weir: zeebe: "))


class Usage(WorkCase):
    def test_exactly_one_handler(self):
        for args, names in (((), ("--exec", "--coprocess", "--complete", "-- CMD")),
                            (("--exec", "true", "--", "true"), ("-- CMD", "--exec")),
                            (("--exec", "true", "--complete", "{}"), ("--exec", "--complete")),
                            (("--coprocess", "cat", "--complete", "{}"), ("--coprocess", "--complete")),
                            (("--exec", " "), ("--exec",)), (("--outcomes", "--complete", "{}"), ("--outcomes",)),
                            (("--outcomes", "--coprocess", "cat"), ("--outcomes",)),
                            (("--whole-job", "--complete", "{}"), ("--whole-job",)),
                            (("--poll-only", "--stream", "--complete", "{}"), ("--poll-only", "--stream")), (("--",), ("--",))):
            result = self.one_line(self.expect(self.work(*args), 64, ""))
            for name in names:
                self.assertIn(name, result.err)

    def test_absurd_limits(self):
        for flag, value in (("--concurrency", "0"), ("--concurrency", "-1"), ("--concurrency", "1000000"), ("--max-jobs-active", "0"),
                            ("--max-jobs-active", "99999999999999999999"), ("--timeout", "0"), ("--timeout", "never"),
                            ("--timeout", "10000h"), ("--count", "0"), ("--poll-threshold", "2"), ("--poll-threshold", "x"),
                            ("--handler-timeout", "0"), ("--until-idle", "-1s"), ("--fetch-variables", "a,,b"), ("--tenant-ids", "")):
            result = self.one_line(self.expect(self.work(flag, value, "--complete", "{}"), 64, ""))
            self.assertIn(flag + ":", result.err)
        self.one_line(self.expect(self.at("zeebe", "work", "--complete", "{}"), 64, "", "TYPE"))
        self.one_line(self.expect(self.at("zeebe", "work", " ", "--complete", "{}"), 64, "", "TYPE"))

    def test_variables_are_an_object(self):
        for text in ("[]", "{", "42"):
            self.one_line(self.expect(self.work("--complete", text), 65, "", "--complete: [^\\n]*line 1, column"))

    def test_a_program_that_is_not_there_is_said_before_any_job_is_taken(self):
        nowhere = {"ZEEBE_ADDRESS": "127.0.0.1:1"}
        result = self.work("--", "no-such-program", "x", env=nowhere)
        self.expect(result, 74, "", Whole('weir: zeebe: cannot start "no-such-program": No such file or directory\n'))
        self.expect(self.work("--", "/etc/passwd", env=nowhere), 74, "", "Permission denied")

    def test_zbctls_spelling(self):
        self.given({"n": 1}, {"n": 2})
        link = self.path("zbctl")
        os.symlink(WEIR, link)
        handler = 'v=$(cat); case "$v" in *2*) echo "bad thing" >&2; exit 3;; esac; echo "{\\"done\\":true}"'
        args = ("create", "worker", self.type, "--handler", handler, "--maxJobsActive", "4", "--pollInterval", "50ms", "--pollThreshold",
                "0.5", "--concurrency", "2", "--name", "me", "--timeout", "30s", "--streamEnabled", "--count", "4", "--insecure")
        result = self.at(*args, program=link)
        self.expect(result, 0, "")
        stamp = r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d "
        self.assertRegex(result.err, r"(?m)" + stamp + r'Activated job \d+ with variables \{"n":1\}$')
        self.assertRegex(result.err, r"(?m)" + stamp + r'Handler completed job \d+ with variables \{"done":true\}$')
        self.assertRegex(result.err, r"(?m)" + stamp + r"Command failed to handle job \d+ bad thing$")
        self.assertRegex(result.err, summary(completed=1, failed=3))
        self.create({"n": 3})
        result = self.at("zeebe", "create", "worker", self.type, "--handler", "cat", "--streamEnabled=false", "--count", "1")
        self.expect(result, 0, "", "Handler completed job")


if __name__ == "__main__":
    unittest.main()
