"""What the tests of workers share: processes with one task, and running `weir zeebe work`."""
import itertools
import json
import os
import subprocess
import tempfile

from cli_lib import DEADLINE, WEIR, Result, SandboxCase, clean_environment

PROCESS = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="weir">
  <process id="process_{type}" isExecutable="true">
    <startEvent id="start"/>
    <sequenceFlow id="a" sourceRef="start" targetRef="task"/>
    <serviceTask id="task">
      <extensionElements>
        <zeebe:taskDefinition type="{type}" retries="{retries}"/>
        <zeebe:taskHeaders><zeebe:header key="colour" value="dark &amp; red"/></zeebe:taskHeaders>
      </extensionElements>
    </serviceTask>
    <sequenceFlow id="b" sourceRef="task" targetRef="end"/>
    <endEvent id="end"/>
  </process>
</definitions>
"""
SUMMARY = r"weir: zeebe: jobs: {} completed, {} failed, {} thrown, {} lost, {} returned\n\Z"
NUMBERS = itertools.count(1)
# In a shell, of a job's line: its key.
KEY = 'k=${l#*\\"key\\":\\"}; k=${k%%\\"*}; '
ANSWER = 'echo "{\\"key\\":\\"$k\\",\\"complete\\":{\\"by\\":$$}}"; '


def summary(completed=0, failed=0, thrown=0, lost=0, returned=0):
    return SUMMARY.format(completed, failed, thrown, lost, returned)


class Running:
    """A program of ours that runs while the test goes on."""

    def __init__(self, case, args, env=None, **more):
        self.case = case
        environment = {name: value for name, value in {**case.env, **(env or {})}.items() if value is not None}
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.process = subprocess.Popen([WEIR, *args], stdout=more.pop("stdout", subprocess.PIPE), stderr=self.errors, text=True,
                                        env=clean_environment(environment), **more)

    def line(self):
        """The next line of stdout, as it was written and flushed."""
        return self.process.stdout.readline()

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        out, _ = self.process.communicate(timeout=DEADLINE)
        self.errors.seek(0)
        err = self.errors.read()
        self.errors.close()
        result = Result(self.process.returncode, out or "", err)
        self.case.no_secret(result)
        return result


class WorkCase(SandboxCase):
    def setUp(self):
        super().setUp()
        self.type = f"type{next(NUMBERS)}"
        self.retries = 3
        self.running = []
        self.folder = tempfile.TemporaryDirectory(prefix="weir-work-")
        self.addCleanup(self.folder.cleanup)

    def tearDown(self):
        for running in self.running:
            if running.process.poll() is None:
                running.process.kill()
                running.process.communicate()
            elif running.process.stdout:
                running.process.stdout.close()
            running.errors.close()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def deploy(self):
        path = self.path("process.bpmn")
        with open(path, "w", encoding="utf-8") as file:
            file.write(PROCESS.format(type=self.type, retries=self.retries))
        self.expect(self.at("zeebe", "deploy", path), 0)

    def create(self, *all_variables):
        """An instance for each: a job each."""
        for variables in all_variables:
            self.expect(self.at("zeebe", "create", "instance", "process_" + self.type, "--variables", json.dumps(variables)), 0)

    def given(self, *all_variables):
        self.deploy()
        self.create(*all_variables)

    def awaited(self, variables):
        """An instance whose variables at its end are waited for: a function that gives them."""
        running = self.start("zeebe", "create", "instance", "process_" + self.type, "--variables", json.dumps(variables),
                             "--with-result", "--request-timeout", "60s")
        return lambda: json.loads(json.loads(self.expect(running.end(), 0).out)["variables"])

    def start(self, *args, **more):
        running = Running(self, args, **more)
        self.running.append(running)
        return running

    def work(self, *args, **more):
        return self.at("zeebe", "work", self.type, *args, **more)

    def start_work(self, *args, **more):
        return self.start("zeebe", "work", self.type, *args, **more)

    def lines(self, result, status=0):
        """What was written with -o json, in the order of the lines."""
        self.expect(result, status)
        return [json.loads(line) for line in result.out.splitlines()]

    def one(self, *args, **more):
        """The line of the only job. If it fails it may come again before the worker stops, and is handed back then, or
        comes back by its lock, which therefore is short."""
        lines = self.lines(self.work("-o", "json", "--count", "1", "--timeout", "5s", *args, **more))
        lines = [line for line in lines if line["outcome"] != "returned"]
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def fails(self, message, *args, **more):
        """The only job fails with this message (a pattern), and the worker goes on to its end in good order."""
        line = self.one(*args, **more)
        self.assertEqual(line["outcome"], "failed", line)
        self.assertRegex(line["error"], message)
        return line
