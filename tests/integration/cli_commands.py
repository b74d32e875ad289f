#!/usr/bin/env python3
"""The commands to a gateway against the sandbox's engine: effects and outputs, word by word."""
import json
import os
import unittest

from cli_lib import WEIR, SandboxCase, Whole

MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
             targetNamespace="weir">
  <process id="ID" isExecutable="true">
    <startEvent id="start"/>
    <sequenceFlow id="a" sourceRef="start" targetRef="first"/>
    <serviceTask id="first">
      <extensionElements><zeebe:taskDefinition type="ID-first" retries="3"/></extensionElements>
    </serviceTask>
    <sequenceFlow id="b" sourceRef="first" targetRef="second"/>
    <serviceTask id="second">
      <extensionElements><zeebe:taskDefinition type="ID-second" retries="3"/></extensionElements>
    </serviceTask>
    <sequenceFlow id="c" sourceRef="second" targetRef="end"/>
    <endEvent id="end"/>
  </process>
</definitions>
"""
AT_ONCE = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="weir">
  <process id="at-once" isExecutable="true">
    <startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="end"/><endEvent id="end"/>
  </process>
</definitions>
"""
GONE = "2251799813799999"


class Commands(SandboxCase):
    def put(self, name, text):
        path = os.path.join(self.sandbox.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def say(self, *words, **more):
        """What a command that works prints."""
        return self.expect(self.at("zeebe", *words, **more), 0, None, "").out

    def document(self, *words):
        return json.loads(self.say(*words))

    def fails(self, status, name, *words, pattern=".", kind=None):
        self.expect(self.one_line(self.at("zeebe", *words)), status, "", pattern)
        error = self.expect(self.at("zeebe", *words, "-o", "json"), status, "").error()
        self.assertEqual(error["status"], name)
        self.assertIn(kind, (None, error.get("kind")))

    def deploy(self, process):
        """A process of its own for each test: its definition's key."""
        path = self.put(f"{process}.bpmn", MODEL.replace("ID", process))
        return self.document("deploy", path)["deployments"][0]["process"]["processDefinitionKey"]

    def instance(self, process, *flags):
        return self.document("create", "instance", process, *flags)["processInstanceKey"]

    def job(self, kind, *flags):
        jobs = self.document("activate", "jobs", kind, *flags)["jobs"]
        self.assertEqual(len(jobs), 1)
        return jobs[0]

    def test_files_and_folders_are_deployed(self):
        folder = os.path.join(self.sandbox.folder, "processes")
        self.put("processes/b.bpmn", MODEL.replace("ID", "folder-b"))
        self.put("processes/a.bpmn", MODEL.replace("ID", "folder-a"))
        self.put("processes/notes.txt", "not deployed")
        self.put("processes/below/c.bpmn", "not looked into")
        answer = self.document("deploy", folder)
        names = [one["process"]["resourceName"] for one in answer["deployments"]]
        self.assertEqual(names, ["a.bpmn", "b.bpmn"])
        again = self.document("deploy", "resource", folder + "/a.bpmn", "--resourceNames", "new.bpmn", "-o", "json")
        self.assertEqual(again["deployments"][0]["process"]["resourceName"], "new.bpmn")
        with open(folder + "/a.bpmn", encoding="utf-8") as file:
            text = file.read()
        answer = json.loads(self.say("deploy", "-", "--resource-names", "stdin.bpmn", stdin=text))
        self.assertEqual(answer["deployments"][0]["process"]["resourceName"], "stdin.bpmn")
        self.fails(65, "INVALID", "deploy", self.put("none.bpmn", "<none/>"), pattern="none.bpmn", kind="invalid_resource")

    def test_a_process_from_its_start_to_its_end(self):
        key = self.deploy("whole")
        answer = self.document("create", "instance", "whole", "--variables", '{"a": 9007199254740993}')
        self.assertEqual((answer["processDefinitionKey"], answer["version"]), (key, 1))
        job = self.job("whole-first", "--worker", "me", "--timeout", "1m")
        self.assertEqual((job["processInstanceKey"], job["worker"]), (answer["processInstanceKey"], "me"))
        self.assertIn("9007199254740993", job["variables"])
        text = self.say("complete", "job", job["key"], "--variables", ' {"b": 1}\n')
        self.assertEqual(text, f"Completed job with key '{job['key']}' and variables '{{\"b\": 1}}'\n")
        self.fails(67, "NOT_FOUND", "complete", "job", job["key"], pattern=job["key"], kind="job_not_found")
        job = self.job("whole-second", "--variables", "b,none", "--maxJobsToActivate", "9")
        self.assertEqual(json.loads(job["variables"]), {"b": 1})
        path = self.put("result.json", '{"c": 1}')
        self.expect(self.at("zeebe", "complete", "job", f'"{job["key"]}"', "--variables", path, "-o", "json"), 0, Whole("{}\n"), "")
        self.fails(67, "NOT_FOUND", "cancel", "instance", answer["processInstanceKey"], kind="instance_not_found")

    def test_an_instance_by_key_and_with_its_result(self):
        path = self.put("at-once.bpmn", AT_ONCE)
        key = self.document("deploy", path)["deployments"][0]["process"]["processDefinitionKey"]
        self.assertEqual(self.document("create", "instance", key)["bpmnProcessId"], "at-once")
        words = ("create", "instance", "at-once", "--variables", '{"x":1,"y":2}')
        self.assertEqual(json.loads(self.document(*words, "--withResult")["variables"]), {"x": 1, "y": 2})
        self.assertEqual(json.loads(self.document(*words, "--with-result=x")["variables"]), {"x": 1})
        self.deploy("slow")
        self.fails(75, "TIMEOUT", "create", "instance", "slow", "--with-result", "--request-timeout", "3s", kind="process_timed_out")
        self.fails(67, "NOT_FOUND", "create", "instance", "nowhere", pattern="nowhere", kind="process_not_found")
        self.fails(67, "NOT_FOUND", "create", "instance", "at-once", "--version", "7", kind="process_not_found")
        self.fails(65, "INVALID", "create", "instance", "at-once", "--tenant-id", "t", pattern="tenant")

    def test_a_job_that_fails_and_its_incident(self):
        self.deploy("failing")
        instance = self.instance("failing")
        job = self.job("failing-first")["key"]
        text = self.say("fail", "job", job, "--retries", "2", "--errorMessage", "it broke")
        self.assertEqual(text, f"Failed job with key '{job}' and set remaining retries to '2' and variables '{{}}' "
                               "with retry backoff '0s'\n")
        self.assertEqual(self.job("failing-first")["retries"], 2)
        text = self.say("fail", "job", job, "--retries", "0", "--retry-backoff", "90s", "--variables", '{"why":1}')
        self.assertEqual(text, f"Failed job with key '{job}' and set remaining retries to '0' and variables '{{\"why\":1}}' "
                               "with retry backoff '1m30s'\n")
        incident = self.incident_of(job)
        self.assertEqual(self.say("update", "retries", job, "--retries", "4"),
                         f"Updated the retries of job with key '{job}' to '4'\n")
        self.assertEqual(self.say("resolve", "incident", incident),
                         f"Resolved an incident of a process instance with key '{incident}'\n")
        self.fails(67, "NOT_FOUND", "resolve", "incident", incident, kind="incident_not_found")
        self.assertEqual(self.job("failing-first")["retries"], 4)
        self.assertEqual(self.say("update", "timeout", job, "--timeout", "10s"),
                         f"Updated the timeout of job with key '{job}' to '10000'\n")
        self.assertEqual(self.say("throwError", "job", job, "--errorCode", "C"), f"Threw error with code 'C' on job with key {job}\n")
        self.assertEqual(self.say("cancel", "instance", instance), f"Canceled process instance with key '{instance}'\n")

    def incident_of(self, job):
        lines = [json.loads(line) for line in self.expect(self.at("sandbox", "requests"), 0).out.splitlines()]
        return next(line["form"]["incidentKey"] for line in lines if line["what"] == "zeebe.incident" and line["form"]["jobKey"] == job)

    def test_variables_are_set(self):
        self.deploy("variables")
        instance = self.instance("variables")
        text = self.say("set", "variables", instance, "--variables", '{"a":1}', "--operation-reference", "7")
        self.assertRegex(text, rf"\ASet the variables of element instance with key '{instance}' to '{{\"a\":1}}' with command "
                               r"'\d+'\n\Z")
        self.assertRegex(self.document("set", "variables", instance, "--variables", "{}", "--local", "-o", "json")["key"], r"^\d+$")
        self.assertEqual(json.loads(self.job("variables-first")["variables"]), {"a": 1})
        self.fails(67, "NOT_FOUND", "set", "variables", GONE, "--variables", "{}")

    def test_instances_are_modified_and_migrated(self):
        key, instance = self.deploy("moving"), self.instance("moving")
        element = self.job("moving-first")["elementInstanceKey"]
        text = self.say("modify", "instance", instance, "--activate", 'second={"moved":true}', "--terminate", element)
        self.assertEqual(text, f"Modified process instance with key '{instance}'\n")
        self.assertEqual(json.loads(self.job("moving-second")["variables"]), {"moved": True})
        plan = self.put("plan.json", '{"activateInstructions": [{"elementId": "first"}]}')
        self.expect(self.at("zeebe", "modify", "instance", instance, "--plan", plan, "-o", "json"), 0, Whole("{}\n"), "")
        self.fails(65, "INVALID", "modify", "instance", instance, "--plan", '{"activate": []}', pattern="activate")
        self.fails(65, "INVALID", "modify", "instance", instance, "--plan", '{"processInstanceKey": 5}', pattern="which is KEY")
        target = self.deploy("moving-on")
        self.say("migrate", "instance", instance, "--target-definition", target, "--map", "first=first", "--map", "second=second")
        self.fails(67, "NOT_FOUND", "migrate", "instance", GONE, "--target-definition", key, "--map", "first=first")

    def test_messages_signals_decisions_resources(self):
        message = ("publish", "message", "paid", "--correlationKey", "7", "--messageId", "once", "--ttl", "1h")
        self.assertRegex(self.document(*message)["key"], r"^\d+$")
        self.fails(67, "CONFLICT", *message, kind="message_exists")
        self.assertRegex(self.document("broadcast", "signal", "s", "--variables", "{}")["key"], r"^\d+$")
        result = self.at("zeebe", "evaluate", "decision", "nowhere")
        self.assertIn(result.status, (65, 67), result)
        key = self.deploy("deleted")
        self.assertEqual(self.say("delete", "resource", key), f"Deleted resource with key '{key}'\n")
        self.fails(67, "NOT_FOUND", "delete", "resource", key)

    def test_scripts_for_zbctl_run_under_its_name(self):
        link = os.path.join(self.sandbox.folder, "zbctl")
        os.symlink(WEIR, link)
        self.deploy("named")
        instance = self.instance("named")
        self.expect(self.at("cancel", "instance", instance, program=link), 0,
                    Whole(f"Canceled process instance with key '{instance}'\n"), "")

    def test_a_command_is_repeated_only_where_that_is_harmless(self):
        self.deploy("repeated")
        self.fault("zeebe.CreateProcessInstance", "1", "status:RESOURCE_EXHAUSTED")
        self.assertRegex(self.instance("repeated", "--request-timeout", "30s"), r"^\d+$")
        before = self.count("zeebe.CreateProcessInstance")
        self.fault("zeebe.CreateProcessInstance", "1", "status:DEADLINE_EXCEEDED")
        self.expect(self.at("zeebe", "create", "instance", "repeated"), 75, "", "CreateProcessInstance")
        self.assertEqual(self.count("zeebe.CreateProcessInstance"), before + 1)


if __name__ == "__main__":
    unittest.main()
