#!/usr/bin/env python3
"""weir token against the sandbox's token endpoint: what it prints, what it keeps, how it fails."""
import json
import os
import re
import stat
import time
import unittest

from cli_lib import SECRETS, SandboxCase, Whole


class Token(SandboxCase):

    def test_prints_the_token_and_a_newline(self):
        token = self.token()
        self.expect(self.at("token", shows=(token,)), 0, Whole(token + "\n"), "")
        self.expect(self.at("token", "--header", shows=(token,)), 0, Whole(f"Authorization: Bearer {token}\n"), "")

    def test_json_forms(self):
        token = self.token()
        document = json.loads(self.expect(self.at("token", "-o", "json", shows=(token,)), 0, None, "").out)
        self.assertEqual((document["access_token"], document["token_type"]), (token, "Bearer"))
        header = self.at("token", "--header", "--json", shows=(token,))
        self.assertEqual(json.loads(self.expect(header, 0, None, "").out), {"Authorization": f"Bearer {token}"})

    def test_info_says_all_but_the_token(self):
        self.token()
        info = json.loads(self.expect(self.at("token", "--info"), 0, None, "").out)
        self.assertEqual(set(info), {"token_type", "expires_in", "expires_at", "from"})
        self.assertEqual((info["token_type"], info["from"]), ("Bearer", "cache"))
        self.assertTrue(0 < info["expires_in"] <= 300)
        self.assertAlmostEqual(info["expires_at"], time.time() + info["expires_in"], delta=5)
        fresh = json.loads(self.at("token", "--info", "--refresh").out)
        self.assertEqual(fresh["from"], "server")

    def test_the_cache_serves_the_same_request_only_and_refresh_passes_it_by(self):
        asked = self.count("token")
        first = self.token()
        self.assertEqual(self.token(), first)
        self.assertEqual(self.count("token"), asked + 1)
        self.assertNotEqual(self.token("--scope", "other"), first)
        self.assertEqual(self.token(), first)
        second = self.token("--refresh")
        self.assertNotEqual(second, first)
        self.assertEqual(self.token(), second)
        self.assertNotEqual(self.token("--cache", "none"), second)

    def test_the_cache_is_its_owners_alone(self):
        self.token()
        self.assertEqual(stat.S_IMODE(os.stat(self.cache).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(self.cache)).st_mode), 0o700)

    def test_a_cache_that_cannot_be_used_is_a_warning(self):
        os.makedirs(os.path.dirname(self.cache), mode=0o700)
        with open(self.cache, "w", encoding="utf-8") as file:
            file.write("\x00 no yaml {{{\n")
        self.expect(self.at("token", "--info"), 0, '"from":"server"')
        result = self.at("token", "--info", "--cache", "/proc/nowhere/file")
        self.expect(result, 0, '"from":"server"')
        self.assertIn("/proc/nowhere", result.all_err)

    def test_for_zeebe_it_logs_in_as_weir_zeebe(self):
        token = self.token("--for", "zeebe")
        result = self.at("token", "--for", "zeebe", env={"OAUTH_TOKEN_URL": None, "OAUTH_CLIENT_SECRET": None}, shows=(token,))
        self.expect(result, 0, Whole(token + "\n"), "")
        ready = {"CAMUNDA_CLIENT_ID": None, "CAMUNDA_CLIENT_SECRET": None, "WEIR_ACCESS_TOKEN": "s3cret-of-a-flag"}
        self.expect(self.at("token", "--for", "zeebe", env=ready, shows=("s3cret-of-a-flag",)), 0,
                    Whole("s3cret-of-a-flag\n"), "")
        info = json.loads(self.at("token", "--for", "zeebe", "--info", env=ready).out)
        self.assertEqual(info, {"token_type": "Bearer"})

    def test_every_grant_and_every_way_to_authenticate_gets_a_token(self):
        for flags in (("--grant", "client-credentials"), ("--grant", "password"), ("--grant", "refresh-token"),
                      ("--grant", "jwt-bearer", "--client-auth", "body"), ("--client-auth", "basic"), ("--client-auth", "json"),
                      ("--client-auth", "private-key-jwt"), ("--param", "x=y", "--audience", "a", "--resource", "r")):
            with self.subTest(flags):
                self.expect(self.at("token", "--info", "--refresh", *flags), 0, '"from":"server"')

    def test_a_key_may_be_text_in_its_variable(self):
        with open(self.env["OAUTH_PRIVATE_KEY"], encoding="ascii") as file:
            key = file.read()
        SECRETS.add(key.splitlines()[1])
        for grant in (("--grant", "jwt-bearer"), ("--client-auth", "private-key-jwt")):
            self.expect(self.at("token", "--info", *grant, env={"OAUTH_PRIVATE_KEY": key}), 0, '"from":"server"')

    def test_a_replaced_refresh_token_without_a_cache_is_warned_of(self):
        result = self.expect(self.at("token", "--info", "--grant", "refresh-token", "--cache", "none"), 0)
        self.assertIn("replaced the refresh token", result.all_err)

    def test_for_salesforce_the_grant_is_chosen_by_what_is_there(self):
        ready = {"SALESFORCE_ACCESS_TOKEN": "s3cret-of-a-flag", "SALESFORCE_INSTANCE_URL": "https://org.example"}
        info = json.loads(self.expect(self.at("token", "--for", "salesforce", "--info", env=ready), 0, None, "").out)
        self.assertEqual(info, {"token_type": "Bearer", "instance_url": "https://org.example"})
        login = ("token", "--for", "salesforce", "--info", "--refresh", "--token-url", self.env["OAUTH_TOKEN_URL"])
        env = {"SALESFORCE_CLIENT_ID": "sandbox", "SALESFORCE_CLIENT_SECRET": "sandbox-secret",
               "SALESFORCE_AUDIENCE": self.env["OAUTH_TOKEN_URL"], "SALESFORCE_PASSWORD": "", "SALESFORCE_SECURITY_TOKEN": ""}
        for grant, more in (  # each beats what came before it
            ("client_credentials", {"SALESFORCE_USERNAME": self.env["OAUTH_USERNAME"]}),
            ("password", {"SALESFORCE_PASSWORD": "sandbox-", "SALESFORCE_SECURITY_TOKEN": "password"}),
            ("jwt-bearer", {"SALESFORCE_PRIVATE_KEY": self.env["OAUTH_PRIVATE_KEY"]}),
            ("refresh_token", {"SALESFORCE_REFRESH_TOKEN": self.env["OAUTH_REFRESH_TOKEN"]}),
        ):
            with self.subTest(grant):
                env.update(more)
                self.expect(self.at(*login, env=env), 0, '"from":"server"')
                self.assertIn(grant, self.expect(self.at("sandbox", "requests"), 0).out.splitlines()[-1])
        self.expect(self.at(*login, "--grant", "client-credentials", env=env), 0, '"from":"server"')

    def test_the_token_endpoint_of_salesforce_is_below_the_login_url(self):
        base = self.env["OAUTH_TOKEN_URL"].rsplit("/oauth/token", 1)[0]
        client = {"SALESFORCE_CLIENT_ID": "sandbox", "SALESFORCE_CLIENT_SECRET": "sandbox-secret"}
        result = self.at("token", "--for", "salesforce", "--login-url", base + "/", env=client)
        self.expect(self.one_line(result), 67, "", re.escape(base + "/services/oauth2/token"))


class Failures(SandboxCase):
    FLAGS = ("--only", "oauth")

    def fails(self, status, name, *args, env=None, pattern="."):
        """The same failure as a line and as a document."""
        self.expect(self.one_line(self.at("token", *args, env=env)), status, "", pattern)
        result = self.expect(self.at("token", *args, "-o", "json", env=env), status, "")
        error = result.error()
        self.assertEqual(set(error) - {"kind"}, {"status", "origin", "code", "retryInMs", "message"})
        self.assertEqual(error["status"], name, result)
        return error

    def test_refused_credentials_are_bad_login_77(self):
        error = self.fails(77, "BAD_LOGIN", env={"OAUTH_CLIENT_SECRET": "wr0ng-s3cret"})
        self.assertEqual((error["origin"], error["code"]), ("http", 401))

    def test_an_endpoint_that_is_down_is_unreachable_69(self):
        self.fails(69, "UNREACHABLE", "--token-url", "http://127.0.0.1:1/t", "--timeout", "2s", pattern="127.0.0.1:1")

    def test_an_endpoint_that_says_503_for_the_whole_time_is_unreachable_69(self):
        self.fault("token", "all", "http:503")
        self.fails(69, "UNREACHABLE", "--timeout", "1s")

    def test_one_that_is_too_busy_is_75(self):
        self.fault("token", "all", "http:429")
        self.fails(75, "BUSY", "--timeout", "1s")

    def test_one_that_does_not_answer_is_a_timeout_75_in_time(self):
        self.fault("token", "all", "hang")
        start = time.monotonic()
        self.expect(self.one_line(self.at("token", "--request-timeout", "500ms")), 75, "")
        self.assertLess(time.monotonic() - start, 10)

    def test_an_answer_that_is_no_token_is_protocol_76(self):
        self.fault("token", "all", "garbage")
        self.fails(76, "PROTOCOL")

    def test_a_proxy_that_is_not_there_is_named(self):
        error = self.fails(69, "UNREACHABLE", "--proxy", "http://u:s3cret-in-a-url@127.0.0.1:1", "--timeout", "1s")
        self.assertIn("127.0.0.1:1", error["message"])

    def test_a_malformed_parameter_or_url_is_65(self):
        self.fails(65, "INVALID", "--param", "novalue", pattern="--param")
        self.fails(65, "INVALID", "--token-url", "nonsense", pattern="--token-url is no URL")


class Trust(SandboxCase):
    FLAGS = ("--only", "oauth", "--tls")

    def test_a_private_authority_is_trusted_when_it_is_given_and_only_then(self):
        self.expect(self.at("token", "--info"), 0, '"from":"server"', "")
        self.expect(self.at("token", "--refresh", env={"WEIR_CA_FILE": None}), 76, "", "certificate")
        flag = self.at("token", "--refresh", "--info", "--ca-file", self.env["WEIR_CA_FILE"], env={"WEIR_CA_FILE": None})
        self.expect(flag, 0, '"from":"server"', "")


if __name__ == "__main__":
    assert SECRETS
    unittest.main()
