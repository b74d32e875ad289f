"""What the tests of listeners share: events in the sandbox, and running `weir salesforce listen` and `weir bayeux listen`."""
import itertools
import json
import os
import tempfile

from cli_lib import SandboxCase
from cli_work_lib import Running

NUMBERS = itertools.count(1)


class EventCase(SandboxCase):
    FLAGS = ("--only", "salesforce")

    def setUp(self):
        super().setUp()
        self.channel = f"/event/Order{next(NUMBERS)}__e"
        self.running = []
        self.folder = tempfile.TemporaryDirectory(prefix="weir-listen-")
        self.addCleanup(self.folder.cleanup)
        self.store = self.path("store.db")

    def tearDown(self):
        for running in self.running:
            if running.process.poll() is None:
                running.process.kill()
                running.process.communicate()
            elif running.process.stdout:
                running.process.stdout.close()
            if running.process.stdin and not running.process.stdin.closed:
                running.process.stdin.close()
            running.errors.close()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def emit(self, count, channel=None, first=1):
        """So many platform events, numbered by Number__c; their replay ids."""
        done = self.at("sandbox", "emit", "salesforce", channel or self.channel, "--count", str(count), "--first", str(first))
        return self.expect(done, 0).out.split()

    def emit_data(self, data, channel=None, service="salesforce"):
        done = self.at("sandbox", "emit", service, channel or self.channel, "--data", json.dumps(data))
        return self.expect(done, 0).out.strip()

    def now(self, *words):
        self.expect(self.at("sandbox", "now", *words), 0)

    def start(self, *args, **more):
        running = Running(self, args, **more)
        self.running.append(running)
        return running

    def listen(self, *args, **more):
        return self.at("salesforce", "listen", self.channel, *args, **more)

    def start_listen(self, *args, **more):
        return self.start("salesforce", "listen", self.channel, *args, **more)

    def numbers(self, text):
        """Of lines in the format message, the numbers of their events."""
        return [json.loads(line)["data"]["payload"]["Number__c"] for line in text.splitlines()]

    def receives(self, numbers, *args, **more):
        """Exactly these, and then the end in good order."""
        result = self.expect(self.listen("--count", str(len(numbers)), *args, **more), 0)
        self.assertEqual(self.numbers(result.out), list(numbers), result)
        return result

    def await_requests(self, what, count):
        """Until the sandbox has had so many of a kind; the deadline is that of the test."""
        while self.count(what) < count:
            pass
