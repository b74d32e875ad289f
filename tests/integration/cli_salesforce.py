#!/usr/bin/env python3
"""`weir salesforce listen`: what is printed, where it begins, what is done and what comes again, how it ends."""
import json
import os
import random
import signal
import subprocess
import threading
import unittest

from cli_events_lib import EventCase
from cli_lib import DEADLINE, Whole


class Lines(EventCase):
    def test_a_line_is_the_message_as_the_server_sent_it(self):
        ids = self.emit(3)
        result = self.receives([1, 2, 3], "--replay", "all")
        for line, replay_id in zip(result.out.splitlines(), ids):
            message = json.loads(line)
            self.assertEqual(message["channel"], self.channel)
            self.assertEqual(str(message["data"]["event"]["replayId"]), replay_id)
        self.assertEqual(result.err, "")

    def test_formats(self):
        self.emit_data({"Number__c": 1})
        one = ("--replay", "all", "--count", "1", "--format")
        message = json.loads(self.listen(*one, "message").out)
        data = json.loads(self.listen(*one, "data").out)
        payload = json.loads(self.listen(*one, "payload").out)
        event = json.loads(self.listen(*one, "cloudevent").out)
        self.assertEqual(message["data"], data)
        self.assertEqual(data["payload"], payload)
        self.assertEqual(payload["Number__c"], 1)
        self.assertEqual(event["specversion"], "1.0")
        self.assertEqual(event["id"], data["event"]["EventUuid"])
        self.assertEqual(event["type"], "com.salesforce.event")
        self.assertEqual(event["source"], self.env["SALESFORCE_LOGIN_URL"] + self.channel)
        self.assertEqual(str(event["replayid"]), str(data["event"]["replayId"]))
        self.assertEqual(event["data"], data)

    def test_the_payload_of_a_topic_is_its_record(self):
        topic = "/topic/" + self.channel.split("/")[-1].removesuffix("__e")
        self.emit_data({"Region": "EMEA"}, channel=topic)
        done = self.at("salesforce", "listen", topic, "--replay", "all", "--count", "1", "--format", "payload")
        self.assertEqual(json.loads(self.expect(done, 0).out)["Region"], "EMEA")

    def test_several_channels_each_in_order(self):
        other = self.channel.replace("Order", "Bill")
        self.emit(3)
        self.emit(3, channel=other)
        result = self.expect(self.at("salesforce", "listen", self.channel, other, "--replay", "all", "--count", "6"), 0)
        lines = [json.loads(line) for line in result.out.splitlines()]
        for channel in (self.channel, other):
            self.assertEqual([line["data"]["payload"]["Number__c"] for line in lines if line["channel"] == channel], [1, 2, 3])

    def test_a_torn_last_line_is_ended(self):
        self.emit(1)
        with open(self.path("out"), "w+", encoding="utf-8") as out:
            out.write("torn")
            out.flush()
            running = self.start_listen("--replay", "all", "--count", "1", stdout=out)
            self.expect(running.end(), 0)
        self.assertRegex(self.read("out"), r"\Atorn\n\{.*\}\n\Z")


class Beginning(EventCase):
    def test_after_a_replay_id(self):
        ids = self.emit(4)
        self.receives([3, 4], "--replay", ids[1])

    def test_each_channel_where_it_is_said(self):
        other = self.channel.replace("Order", "Bill")
        ids = self.emit(3)
        self.emit(2, channel=other)
        done = self.at("salesforce", "listen", self.channel, other, "--replay", "all", "--replay", f"{self.channel}={ids[1]}",
                       "--count", "3")
        lines = [json.loads(line) for line in self.expect(done, 0).out.splitlines()]
        got = sorted((line["channel"], line["data"]["payload"]["Number__c"]) for line in lines)
        self.assertEqual(got, sorted([(self.channel, 3), (other, 1), (other, 2)]))

    def test_new_events_only_unless_asked(self):
        self.emit(2)
        before = self.count("salesforce.subscribe")
        running = self.start_listen("--count", "1")
        self.await_requests("salesforce.subscribe", before + 1)
        self.emit(1, first=3)
        self.assertEqual(self.numbers(self.expect(running.end(), 0).out), [3])

    def test_with_a_store_behind_the_last_one_that_is_done(self):
        self.emit(5)
        self.receives([1, 2], "--store", self.store, "--replay", "all")
        self.receives([3], "--store", self.store)
        self.receives([4, 5], env={"WEIR_STORE": self.store})

    def test_groups_are_apart(self):
        self.emit(2)
        self.receives([1, 2], "--store", self.store, "--replay", "all")
        self.receives([1, 2], "--store", self.store, "--replay", "all", "--group", "audit")

    def test_a_position_that_is_gone_is_said(self):
        ids = self.emit(4)
        self.receives([1], "--store", self.store, "--replay", "all")
        self.now("salesforce", "forget", self.channel, "1")
        result = self.expect(self.listen("--store", self.store, "--count", "1"), 67, "")
        self.assertIn(self.channel, result.err)
        self.assertIn(ids[0], result.err)
        self.assertIn("--on-gap", result.err)
        mended = self.receives([4], "--store", self.store, "--on-gap", "all")
        self.assertIn("going on behind a gap", mended.err)
        self.assertIn("--on-gap", mended.err)

    def test_a_store_belongs_to_one_listener_at_a_time(self):
        self.emit(1)
        first = self.start_listen("--store", self.store, "--replay", "all")
        self.assertEqual(self.numbers(first.line()), [1])
        second = self.expect(self.one_line(self.listen("--store", self.store, "--count", "1")), 74, "")
        self.assertRegex(second.err, "another|in use|has it")
        third = self.start_listen("--store", self.store, "--standby", "--count", "1")
        first.signal(signal.SIGTERM)
        self.expect(first.end(), 0)
        self.emit(1, first=2)
        self.assertEqual(self.numbers(self.expect(third.end(), 0).out), [2])

    def test_rubbish_is_no_store(self):
        with open(self.store, "wb") as file:
            file.write(b"rubbish" * 1000)
        result = self.one_line(self.listen("--store", self.store))
        self.expect(result, 74, "", "store.db")


class Acknowledging(EventCase):
    def test_by_lines_on_stdin(self):
        ids = self.emit(3)
        running = self.start_listen("--store", self.store, "--replay", "all", "--ack", "stdin", stdin=subprocess.PIPE)
        for number in (1, 2, 3):
            self.assertEqual(self.numbers(running.line()), [number])
        running.process.stdin.write(f"rubbish\n{ids[0]}\n{self.channel} {ids[1]}\n")
        running.process.stdin.flush()
        result = self.expect(running.end(), 0)
        self.assertIn('"rubbish" acknowledges nothing', result.all_err)
        self.receives([3], "--store", self.store)

    def test_a_process_an_event(self):
        ids = self.emit(2)
        script = 'cat >>"$OUT"; echo "$WEIR_EVENT_CHANNEL $WEIR_EVENT_REPLAY_ID $WEIR_EVENT_ATTEMPT"'
        result = self.listen("--replay", "all", "--count", "2", "--exec", script, env={"OUT": self.path("got")})
        self.expect(result, 0, Whole("".join(f"{self.channel} {replay_id} 1\n" for replay_id in ids)))
        self.assertEqual(self.numbers(self.read("got")), [1, 2])

    def test_a_program_without_a_shell(self):
        self.emit(2)
        result = self.at("salesforce", "listen", self.channel, "--replay", "all", "--count", "2", "--", "cat")
        self.assertEqual(self.numbers(self.expect(result, 0).out), [1, 2])

    def test_a_program_that_fails_too_often_ends_it_and_its_event_comes_again(self):
        self.emit(3)
        script = "! grep -q '\"Number__c\":2'"
        result = self.listen("--store", self.store, "--replay", "all", "--retries", "1", "--exec", script)
        self.expect(result, 75, "", r"not handled in 2 tries")
        self.receives([2, 3], "--store", self.store)

    def test_dead_letters(self):
        ids = self.emit(3)
        script = "! grep -q '\"Number__c\":2'"
        self.expect(self.listen("--store", self.store, "--replay", "all", "--retries", "0", "--count", "3", "--exec", script,
                                "--dead-letter", self.path("dead")), 0, "")
        letter = json.loads(self.read("dead"))
        self.assertEqual((letter["channel"], letter["replayId"], letter["tries"]), (self.channel, ids[1], 1))
        self.assertEqual(letter["event"]["data"]["payload"]["Number__c"], 2)
        self.emit(1, first=4)
        self.receives([4], "--store", self.store)

    def test_a_coprocess(self):
        self.emit(4)
        program = self.path("program.py")
        with open(program, "w", encoding="utf-8") as file:
            file.write("import json, sys\nfor line in sys.stdin:\n    m = json.loads(line)\n"
                       "    if m['data']['payload']['Number__c'] == 4: break\n"
                       "    print(json.dumps({'channel': m['channel'], 'replayId': m['data']['event']['replayId']}), flush=True)\n")
        self.expect(self.listen("--store", self.store, "--replay", "all", "--count", "4", "--coprocess", f"python3 {program}"), 0, "")
        self.receives([4], "--store", self.store)

    def test_programs_do_not_inherit_secrets(self):
        self.emit(1)
        result = self.listen("--replay", "all", "--count", "1", "--exec", "env",
                             env={"WEIR_STORE": self.store, "WEIR_SANDBOX_SALESFORCE_REFRESH_TOKEN": None})
        self.expect(result, 0)
        for name in ("SALESFORCE_CLIENT_SECRET", "SALESFORCE_PASSWORD", "SALESFORCE_SECURITY_TOKEN", "WEIR_STORE"):
            self.assertNotIn(name, result.out)


class Ends(EventCase):
    def test_when_nothing_comes_any_more(self):
        self.emit(2)
        result = self.expect(self.listen("--replay", "all", "--until-idle", "1s"), 0)
        self.assertEqual(self.numbers(result.out), [1, 2])

    def test_after_a_time(self):
        self.expect(self.listen("--for", "300ms"), 0, "", "")

    def test_by_a_signal(self):
        self.emit(1)
        for number in (signal.SIGTERM, signal.SIGINT):
            running = self.start_listen("--replay", "all")
            running.line()
            running.signal(number)
            self.expect(running.end(), 0, "", "")

    def test_a_second_signal_ends_at_once(self):
        self.emit(1)
        ready = self.path("ready")
        os.mkfifo(ready)
        running = self.start_listen("--replay", "all", "--exec", f"echo here >{ready}; tail -f /dev/null")
        with open(ready, encoding="utf-8") as file:
            self.assertEqual(file.readline(), "here\n")
        running.signal(signal.SIGTERM)
        running.signal(signal.SIGINT)
        self.assertIn(running.end().status, (130, 143))

    def test_when_nobody_reads(self):
        self.emit(1)
        running = self.start_listen("--replay", "all", "--store", self.store)
        running.process.stdout.close()
        self.assertEqual(running.process.wait(DEADLINE), 141)

    def test_when_the_disk_is_full(self):
        self.emit(1)
        with open("/dev/full", "w", encoding="utf-8") as full:
            running = self.start_listen("--replay", "all", "--store", self.store, stdout=full)
            self.expect(running.end(), 74, None, "cannot write to standard output")
        self.receives([1], "--store", self.store)

    def test_what_retrying_cannot_mend(self):
        self.fault("salesforce.subscribe", "1", "bayeux-none:403::Subscriber does not have access to the entity in this channel")
        self.expect(self.one_line(self.listen()), 77, "", "does not have access")
        self.fault("salesforce.subscribe", "1", "bayeux-none:404::Unknown channel")
        self.expect(self.one_line(self.listen()), 67, "", "Unknown channel")

    def test_refused_credentials(self):
        result = self.listen(env={"SALESFORCE_PASSWORD": "wr0ng-s3cret"})
        self.expect(self.one_line(result), 77, "")

    def test_an_outage_is_said_once_and_so_is_its_end(self):
        self.emit(1)
        running = self.start_listen("--replay", "all", "--count", "2", "--connection-timeout", "100ms")
        running.line()
        self.fault("salesforce", "all", "http:503")
        self.now("salesforce", "kill")
        self.await_line(running, "trying again")
        self.expect(self.at("sandbox", "fault", "forget"), 0)
        self.await_line(running, "connected again")
        self.emit(1, first=2)
        result = self.expect(running.end(), 0)
        self.assertEqual(result.err.count("\n"), 2, result)

    def await_line(self, running, text):
        """Until the program has said it; the deadline is that of the test."""
        while True:
            with open(f"/proc/self/fd/{running.errors.fileno()}", encoding="utf-8") as errors:
                if text in errors.read():
                    return

    def test_an_outage_may_be_too_long(self):
        self.fault("salesforce", "all", "cut")
        result = self.listen("--give-up", "300ms", "--connection-timeout", "100ms")
        self.expect(result, 69, "")


class Killed(EventCase):
    """kill -9 while events come all the time: each is delivered, in order, and only unacknowledged ones come again."""
    ROUNDS = 6

    def setUp(self):
        super().setUp()
        self.seed = random.randrange(1 << 32)
        self.chance = random.Random(self.seed)
        self.done, self.emitted = threading.Event(), []
        self.emitter = threading.Thread(target=self.emit_until_done)
        self.emitter.start()
        self.addCleanup(self.stop_emitting)

    def emit_until_done(self):
        while not self.done.is_set():
            first = len(self.emitted) + 1
            self.emit(10, first=first)
            self.emitted.extend(range(first, first + 10))

    def stop_emitting(self):
        self.done.set()
        self.emitter.join()

    def whole_lines(self):
        text = self.read("out")
        return self.numbers(text[:text.rfind("\n") + 1])

    def is_whole(self, line):
        """A line that a kill tore is ended by the next listener."""
        try:
            return bool(json.loads(line))
        except ValueError:
            return False

    def wait_for_lines(self, running, count):
        """Until there are so many more, or the listener has ended; the deadline is that of the test."""
        wanted = self.read("out").count("\n") + count
        while self.read("out").count("\n") < wanted and running.process.poll() is None:
            pass

    def lives(self, *args, feed=None, **more):
        """Some listeners, each killed; then one that takes the rest. All that was written."""
        with open(self.path("out"), "w", encoding="utf-8"):
            pass
        for life in range(self.ROUNDS):
            running = self.start_listen("--replay", "stored" if life else "all", "--store", self.store, *args, **more)
            if feed:
                feed(running, self.chance.randrange(1, 40))
            else:
                self.wait_for_lines(running, self.chance.randrange(1, 40))
            running.process.kill()
            running.process.communicate()
        self.stop_emitting()

    def check(self, numbers):
        """First deliveries are in order, and none is missing."""
        seen = 0
        for number in numbers:
            self.assertLessEqual(number, seen + 1, f"an event was lost, seed {self.seed}")
            seen = max(seen, number)
        self.assertEqual(seen, len(self.emitted), f"seed {self.seed}")

    def test_of_one_that_prints(self):
        with open(self.path("out"), "a", encoding="utf-8") as out:
            self.lives(stdout=out)
            self.expect(self.start_listen("--store", self.store, "--until-idle", "1s", stdout=out).end(), 0)
        self.check(self.numbers("".join(line + "\n" for line in self.read("out").splitlines() if self.is_whole(line))))

    def test_of_one_that_runs_programs(self):
        script = ("--exec", 'cat >>"$OUT"')
        env = {"OUT": self.path("out")}
        self.lives(*script, env=env)
        self.expect(self.listen("--store", self.store, "--until-idle", "1s", *script, env=env), 0)
        self.check(self.whole_lines())

    def test_of_one_that_is_told_what_is_done(self):
        def feed(running, count):
            """Reads so many lines, and acknowledges them but for the last."""
            for at in range(count):
                line = running.line()
                replay_id = json.loads(line)["data"]["event"]["replayId"]
                with open(self.path("out"), "a", encoding="utf-8") as out:
                    out.write(line)
                if at + 1 < count:
                    running.process.stdin.write(f"{replay_id}\n")
                    running.process.stdin.flush()

        self.lives("--ack", "stdin", feed=feed, stdin=subprocess.PIPE)
        last = self.expect(self.listen("--store", self.store, "--until-idle", "1s"), 0)
        self.check(self.whole_lines() + self.numbers(last.out))


class Usage(EventCase):
    def refuses(self, status, pattern, *args, **more):
        self.expect(self.one_line(self.listen(*args, **more)), status, "", pattern)

    def test_what_contradicts_itself_or_does_nothing(self):
        self.refuses(64, "--exec and --coprocess", "--exec", "true", "--coprocess", "true")
        self.refuses(64, "--exec and --ack stdin", "--exec", "true", "--ack", "stdin")
        self.refuses(64, "--retries is for", "--retries", "1")
        self.refuses(64, "--dead-letter is for", "--dead-letter", "x")
        self.refuses(64, "without --retries", "--dead-letter", "x", "--exec", "true")
        self.refuses(64, "the command is empty", "--exec", " ")
        self.refuses(78, "--standby needs a store", "--standby")
        self.refuses(78, "--group needs a store", "--group", "g")
        self.refuses(78, "--replay stored needs a store", "--replay", "stored")
        self.refuses(78, "contradict", "--sandbox", "--login-url", "https://login.example")

    def test_values_of_no_use(self):
        self.refuses(64, "none of new, all, stored, or a replay id", "--replay", "yesterday")
        self.refuses(64, "none of the channels", "--replay", "/event/Other__e=all")
        self.refuses(64, "--count", "--count", "0")
        self.refuses(64, "is none of message", "--format", "xml")
        self.refuses(64, "nearest known one is --replay", "--relay", "all")
        self.refuses(74, "cannot start", "--", "/nowhere/program")

    def test_channels_that_cannot_be(self):
        for channel in ("event/Order__e", "/", "/meta/connect"):
            self.expect(self.one_line(self.at("salesforce", "listen", channel)), 65, "", "cannot be a channel")
        self.expect(self.one_line(self.at("salesforce", "listen")), 64, "", "CHANNEL")

    def test_errors_in_json(self):
        result = self.at("salesforce", "listen", "x", "-o", "json")
        self.expect(result, 65, "")
        self.assertEqual(result.error()["status"], "INVALID")

    def test_help(self):
        for command in ("listen", "publish", "token", "probe"):
            self.expect(self.weir("salesforce", command, "--help"), 0, "--login-url", "")


if __name__ == "__main__":
    unittest.main()
