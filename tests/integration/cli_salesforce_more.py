#!/usr/bin/env python3
"""`weir salesforce publish`, `token`, `probe`."""
import json
import unittest

from cli_events_lib import EventCase
from cli_lib import SECRETS


class Publish(EventCase):
    def publish(self, *args, **more):
        return self.at("salesforce", "publish", *args, **more)

    def test_an_event_by_either_name(self):
        for name in (self.channel, self.channel.removeprefix("/event/")):
            result = self.expect(self.publish(name, "--data", '{"Number__c": 7}'), 0, None, "")
            self.assertIs(json.loads(result.out)["success"], True)
        self.receives([7, 7], "--replay", "all")

    def test_lines(self):
        lines = '{"Number__c": 1}\n\nnot json\n{"Number__c": 2}\n[3]\n{"Number__c": 4}'
        result = self.publish(self.channel, "--lines", stdin=lines)
        self.expect(result, 65, None, r"\Aweir: salesforce: line 3: .*\nweir: salesforce: line 5: .*\n\Z")
        answers = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual([answer.get("success") for answer in answers], [True, None, True, None, True])
        self.assertEqual([answer["error"]["line"] for answer in answers if "error" in answer], [3, 5])
        self.receives([1, 2, 4], "--replay", "all")

    def test_bad_data_is_not_sent(self):
        before = self.count("salesforce.rest")
        for data, pattern in (("{", "line 1, column"), ("[1]", "a JSON object is wanted")):
            self.expect(self.one_line(self.publish(self.channel, "--data", data)), 65, "", pattern)
        self.assertEqual(self.count("salesforce.rest"), before)

    def test_data_or_lines(self):
        self.expect(self.one_line(self.publish(self.channel)), 64, "", "--data is required")
        self.expect(self.one_line(self.publish(self.channel, "--data", "{}", "--lines")), 64, "", "contradict")

    def test_what_the_server_says_no_to(self):
        self.fault("salesforce.rest", "1", "error:INVALID_FIELD")
        self.expect(self.one_line(self.publish(self.channel, "--data", "{}")), None, "", "INVALID_FIELD")

    def expect(self, result, status, out=None, err=None):
        if status is None:
            self.assertNotEqual(result.status, 0, result)
            status = result.status
        return super().expect(result, status, out, err)


class Token(EventCase):
    def test_as_weir_token_prints_it(self):
        token = self.token("--for", "salesforce")
        result = self.at("salesforce", "token", shows=(token,))
        self.assertEqual(result.out.strip(), token)
        header = self.at("salesforce", "token", "--header", shows=(token,))
        self.assertEqual(header.out, f"Authorization: Bearer {token}\n")

    def test_about_it(self):
        info = json.loads(self.expect(self.at("salesforce", "token", "--info"), 0).out)
        self.assertEqual(info["from"], "server")
        self.assertIn("instance_url", info)
        again = json.loads(self.expect(self.at("salesforce", "token", "--info"), 0).out)
        self.assertEqual(again["from"], "cache")

    def test_grants(self):
        for grant, env in (("client-credentials", {}), ("password", {}),
                           ("refresh-token", {"SALESFORCE_REFRESH_TOKEN": self.env["WEIR_SANDBOX_SALESFORCE_REFRESH_TOKEN"]}),
                           ("jwt-bearer", {"SALESFORCE_PRIVATE_KEY": self.env["WEIR_SANDBOX_SALESFORCE_KEY"]})):
            result = self.at("salesforce", "token", "--grant", grant, "--info", "--refresh", env=env)
            self.expect(result, 0, '"from":"server"')
        self.expect(self.one_line(self.at("salesforce", "token", "--grant", "refresh-token")), 78, "",
                    "SALESFORCE_REFRESH_TOKEN")

    def test_a_ready_token(self):
        SECRETS.add("a-ready-t0ken")
        env = {"SALESFORCE_ACCESS_TOKEN": "a-ready-t0ken", "SALESFORCE_INSTANCE_URL": "https://x.example"}
        self.expect(self.at("salesforce", "token", env=env, shows=("a-ready-t0ken",)), 0, r"\Aa-ready-t0ken\n\Z")
        del env["SALESFORCE_INSTANCE_URL"]
        self.expect(self.one_line(self.at("salesforce", "token", env=env)), 78, "", "SALESFORCE_INSTANCE_URL")


class Probe(EventCase):
    def probe(self, *args, **more):
        return self.at("salesforce", "probe", self.channel, *args, **more)

    def test_all_is_well(self):
        result = self.expect(self.probe("/data/ChangeEvents"), 0, None, "")
        checks = [line.split(":")[0] for line in result.out.splitlines()]
        self.assertEqual(checks, ["ok   login", "ok   handshake", "ok   replay extension", "ok   " + self.channel,
                                  "ok   /data/ChangeEvents"])

    def test_a_channel_that_is_refused(self):
        self.fault("salesforce.subscribe", "1", "bayeux-none:404::Unknown channel")
        result = self.expect(self.probe(), 1)
        self.assertRegex(result.out, rf"(?m)^FAIL {self.channel}: .*Unknown channel.*; check its spelling")

    def test_a_login_that_is_refused(self):
        result = self.expect(self.probe("-o", "json", env={"SALESFORCE_PASSWORD": "wr0ng-s3cret"}), 1)
        checks = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual([check["ok"] for check in checks], [False, False, False, False])
        self.assertEqual(checks[0]["check"], "login")
        self.assertIn("not tried", checks[1]["message"])

    def test_an_org_without_streaming(self):
        self.fault("salesforce.handshake", "all", "bayeux-reason:403::User not enabled for streaming")
        result = self.expect(self.probe(), 1)
        self.assertRegex(result.out, r"(?m)^FAIL handshake: .*not enabled for streaming")


if __name__ == "__main__":
    unittest.main()
