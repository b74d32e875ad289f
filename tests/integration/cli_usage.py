#!/usr/bin/env python3
"""The command line without a server: what is wrong with it is said before anything is connected."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from cli_lib import WEIR, Case, Whole, clean_environment

AREAS = ("", "zeebe", "token", "sandbox", "completion")
COMMANDS = ("zeebe status", "zeebe topology", "zeebe health", "zeebe call", "zeebe config", "token", "sandbox",
            "sandbox fault", "sandbox requests", "completion", "zeebe generate completion", "version", "zeebe deploy",
            "zeebe deploy resource", "zeebe create instance", "zeebe cancel instance", "zeebe modify instance",
            "zeebe migrate instance", "zeebe activate jobs", "zeebe complete job", "zeebe fail job", "zeebe throw-error job",
            "zeebe throwError job", "zeebe update retries", "zeebe update timeout", "zeebe publish message",
            "zeebe broadcast signal", "zeebe set variables", "zeebe resolve incident", "zeebe evaluate decision",
            "zeebe delete resource")


class Usage(Case):
    def test_each_mistake_is_one_line_with_the_nearest_known_word_and_status_64(self):
        for words, message in (
            ("zeebe status --adress x", "weir: zeebe: unknown flag --adress; the nearest known one is --address"),
            ("zeebe call --hedaer x Topology", "weir: zeebe: unknown flag --hedaer; the nearest known one is --header"),
            ("zeebe status -x", "weir: zeebe: unknown flag -x; the nearest known one is --"),
            ("zeebe statsu", 'weir: zeebe: unknown verb "statsu"; the nearest known one is "status"'),
            ("tokn", 'weir: unknown area "tokn"; the nearest known one is "token"'),
            ("zeebe", "weir: zeebe: the verb is missing: one of status"),
            ("zeebe status extra", 'weir: zeebe: unexpected argument "extra"'),
            ("zeebe call", "weir: zeebe: RPC is missing"),
            ("zeebe status --address", "weir: zeebe: --address needs a value: --address HOST[:PORT]"),
            ("zeebe status --request-timeout soon", 'weir: zeebe: --request-timeout: "soon" is no duration: write'),
            ("zeebe status --keepalive 1d", 'weir: zeebe: --keepalive: "1d" is no duration'),
            ("zeebe status -o yaml", 'weir: zeebe: -o: "yaml" is none of text|json'),
            ("zeebe status --insecure=perhaps", 'weir: zeebe: --insecure: "perhaps" is neither true nor false'),
            ("zeebe status --port x", 'weir: zeebe: --port: "x" is no whole number'),
            ("token --grant telepathy", 'weir: token: --grant: "telepathy" is none of client-credentials|'),
            ("token --clientId me", "weir: token: unknown flag --clientId; the nearest known one is --client-id"),
            ("token --for zeebe --token-url x", "weir: token: --token-url does nothing with --for zeebe; see"),
            ("token --address x", "weir: token: --address does nothing without --for; see weir token --help"),
            ("token --header --info", "weir: token: --header and --info contradict each other"),
            ("completion tcsh", 'weir: completion: completion is made for bash, zsh and fish, not for "tcsh"'),
            ("--address x zeebe status", "weir: --address comes too early"),
            ("zeebe create", "weir: zeebe: the noun is missing: one of instance, worker; see weir zeebe create --help"),
            ("zeebe create instnce x", 'weir: zeebe: unknown noun "instnce"; the nearest known one is "instance"'),
            ("zeebe create instance", "weir: zeebe: ID|KEY is missing: weir zeebe create instance ID|KEY"),
            ("zeebe cancel instance 5 6", 'weir: zeebe: unexpected argument "6": weir zeebe cancel instance KEY'),
            ("zeebe complete job five", 'weir: zeebe: KEY: "five" is no key: a whole number from 1 to 9223372036854775807'),
            ("zeebe fail job 5", "weir: zeebe: --retries is required: --retries N"),
            ("zeebe fail job 5 --retries many", 'weir: zeebe: --retries: "many" is no whole number'),
            ("zeebe fail job 5 --retries 2 --retry-backoff soon", 'weir: zeebe: --retry-backoff: "soon" is no duration'),
            ("zeebe throw-error job 5", "weir: zeebe: --error-code is required: --error-code CODE"),
            ("zeebe update retries 5", "weir: zeebe: --retries is required"),
            ("zeebe update timeout 5", "weir: zeebe: --timeout is required: --timeout DURATION"),
            ("zeebe publish message m", "weir: zeebe: --correlation-key is required"),
            ("zeebe set variables 5", "weir: zeebe: --variables is required: --variables JSON"),
            ("zeebe migrate instance 5", "weir: zeebe: --target-definition is required, or --plan FILE"),
            ("zeebe modify instance 5", "weir: zeebe: --activate is required, or --plan FILE, or --terminate KEY"),
            ("zeebe cancel instance 5 --operation-reference x", 'weir: zeebe: --operation-reference: "x" is no whole number'),
            ("zeebe cancel instance 5 --variables {}", "weir: zeebe: unknown flag --variables; the nearest known one is --"),
            ("zeebe cancel instance 5 -o xml", 'weir: zeebe: -o: "xml" is none of text|json'),
            ("help nonsense", 'weir: help: there is no command "nonsense"'),
        ):
            with self.subTest(words):
                result = self.one_line(self.expect(self.weir(*words.split(" ")), 64, ""))
                self.assertTrue(result.err.startswith(message), result)

    def test_with_json_output_a_mistake_is_a_document(self):
        for words in ("-o json", "-ojson", "--output=json", "--output json", "--json", "--json=true"):
            with self.subTest(words):
                result = self.expect(self.weir("zeebe", "status", "--adress", "x", *words.split(" ")), 64, "")
                error = result.error()
                self.assertEqual(error["status"], "INVALID")
                self.assertEqual(error["origin"], "weir")
                self.assertEqual(error["retryInMs"], -1)
                self.assertIn("--address", error["message"])

    def test_zeebe_takes_zbctls_spelling_of_flags(self):
        result = self.weir("zeebe", "config", "--clientCache", "none", "--certPath", "ca.pem", "--requestTimeout", "1s",
                           "--authzUrl=https://idp.example/t", "-o", "json")
        settings = json.loads(self.expect(result, 0, None, "").out)
        self.assertEqual(settings["cert-path"], {"value": "ca.pem", "from": "--cert-path"})
        self.assertEqual(settings["cache"]["value"], "none")
        self.assertEqual(settings["authz-url"]["value"], "https://idp.example/t")

    def test_the_cache_has_zbctls_name_everywhere(self):
        for words in (("token",), ("zeebe", "status")):
            for flag in ("--cache", "--client-cache", "--clientCache"):
                result = self.weir(*words, flag, "none", env={"CAMUNDA_CLIENT_ID": "me"})
                self.expect(self.one_line(result), 78, "", "is missing")

    def test_started_as_zbctl_it_is_weir_zeebe(self):
        with tempfile.TemporaryDirectory() as folder:
            link = os.path.join(folder, "zbctl")
            os.symlink(WEIR, link)
            self.expect(self.weir("config", program=link), 0, r"gateway +localhost:26500  \(default\)", "")
            self.expect(self.weir("statsu", program=link), 64, "", r'^weir: zeebe: unknown verb "statsu"')
            self.expect(self.weir("version", program=link), 0, r"^weir \d", "")
            self.expect(self.weir("generate", "completion", program=link), 0, "zbctl", "")

    def test_version(self):
        version = self.expect(self.weir("version"), 0, None, "").out
        self.assertRegex(version, r"\Aweir \d+\.\d+\.\d+\n\Z")
        self.expect(self.weir("--version"), 0, Whole(version), "")
        for words in (("version", "-o", "json"), ("--version", "-o", "json"), ("--version", "--json")):
            self.assertEqual(json.loads(self.expect(self.weir(*words), 0, None, "").out), {"version": version.split()[1]})
        self.expect(self.weir("--version", "extra"), 64, "", '"extra"')


class Help(Case):
    def test_help_is_there_at_every_level_on_stdout_with_status_0(self):
        for area in AREAS:
            for flag in ("--help", "-h"):
                self.expect(self.weir(*area.split(), flag), 0, r"\AUsage: weir", "")
        self.expect(self.weir("help", "zeebe", "call"), 0, r"\AUsage: weir zeebe call", "")

    def test_a_page_has_usage_flags_and_examples(self):
        for command in COMMANDS:
            with self.subTest(command):
                text = self.expect(self.weir(*command.split(), "--help"), 0, None, "").out
                self.assertRegex(text, r"\nExamples:\n  \S|Usage: weir zeebe generate|Usage: weir version")
                self.assertIn("--output text|json", text)

    def test_every_flag_of_the_contract_is_in_help(self):
        channel = ("address host port cluster-id region client-id client-secret authz-url audience scope resource "
                   "client-auth leeway expire-in token-env insecure cert-path ca-file client-cert client-key authority "
                   "keepalive channel-option cache request-timeout proxy allow-plaintext log-level log-json json")
        own = {"zeebe call": channel + " data header compact verbose list describe",
               "zeebe health": channel + " service", "zeebe deploy": channel + " resource-names tenant-id",
               "zeebe create instance": channel + " variables version with-result start-instruction tags tenant-id "
                                                  "operation-reference",
               "zeebe cancel instance": channel + " operation-reference",
               "zeebe modify instance": channel + " activate terminate plan operation-reference",
               "zeebe migrate instance": channel + " target-definition map plan operation-reference",
               "zeebe activate jobs": channel + " max-jobs timeout variables worker long-poll tenant-ids",
               "zeebe complete job": channel + " variables",
               "zeebe fail job": channel + " retries retry-backoff error-message variables",
               "zeebe throw-error job": channel + " error-code error-message variables",
               "zeebe update retries": channel + " retries operation-reference",
               "zeebe update timeout": channel + " timeout operation-reference",
               "zeebe publish message": channel + " correlation-key message-id ttl variables tenant-id",
               "zeebe broadcast signal": channel + " variables tenant-id",
               "zeebe set variables": channel + " variables local operation-reference",
               "zeebe resolve incident": channel + " operation-reference",
               "zeebe evaluate decision": channel + " variables tenant-id",
               "zeebe delete resource": channel + " operation-reference", "zeebe status": channel, "zeebe config": channel,
               "token": "for header info refresh token-url grant client-id client-auth scope audience resource username "
                        "private-key subject param cache login-url sandbox ca-file proxy allow-plaintext"}
        for command, flags in own.items():
            text = self.weir(*command.split(), "--help").out
            for flag in flags.split():
                self.assertRegex(text, rf"--{flag}\b", command)


class Pages(Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="weir-man-")
        subprocess.run([WEIR, "generate", "man", cls.folder], check=True, env=clean_environment())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def test_there_is_a_page_for_every_command_with_every_flag_of_its_help(self):
        for command in COMMANDS:
            path = os.path.join(self.folder, "weir-" + command.replace(" ", "-") + ".1")
            with open(path, encoding="utf-8") as page:
                text = page.read()
            if text.startswith(".so "):
                continue
            text = text.replace("\\-", "-")
            for flag in re.findall(r"^ {2,6}(?:-\w, )?--([\w-]+)", self.weir(*command.split(), "--help").out, re.M):
                self.assertIn("--" + flag, text, command)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_pages_are_clean_to_groff(self):
        for name in sorted(os.listdir(self.folder)):
            done = subprocess.run(["groff", "-man", "-Tutf8", "-wall", "-rCHECKSTYLE=10", name], cwd=self.folder,
                                  capture_output=True, text=True, check=False)
            so_page = "man1/" in done.stderr and "No such file" in done.stderr  # an alias, seen from its folder
            if not so_page:
                self.assertEqual(done.stderr, "", name)


class Completion(Case):
    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = self.weir("completion", "bash").out + """
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weir; printf '%s\\n' "${COMPREPLY[@]}"
"""
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True,
                              env=clean_environment())
        return set(done.stdout.split())

    @unittest.skipUnless(shutil.which("bash"), "bash is not installed")
    def test_bash_completes_words_flags_and_choices(self):
        self.assertEqual(self.complete("weir", "zeebe", "st"), {"status"})
        self.assertTrue({"zeebe", "token", "sandbox", "completion", "version"} <= self.complete("weir", ""))
        self.assertIn("--client-id", self.complete("weir", "zeebe", "status", "--cl"))
        self.assertEqual(self.complete("weir", "token", "--for", ""), {"zeebe", "salesforce"})
        self.assertEqual(self.complete("weir", "zeebe", "--address", "status", "st"), {"status"})
        self.assertIn("status", self.complete("/usr/bin/zbctl", ""))
        for words in (("completion",), ("zeebe", "completion"), ("zeebe", "generate", "completion")):
            self.assertEqual(self.complete("weir", *words, ""), {"bash", "zsh", "fish"})
        self.assertEqual(self.complete("weir", "zeebe", "create", ""), {"instance", "worker"})
        self.assertEqual(self.complete("zbctl", "update", ""), {"retries", "timeout"})
        self.assertEqual(self.complete("weir", "zeebe", "activate", "jobs", "pay", "--max"), {"--max-jobs"})
        self.assertEqual(self.complete("weir", "zeebe", "create", "instance", "--with-result", "x", "--tag"), {"--tags"})

    @unittest.skipUnless(shutil.which("bash"), "bash is not installed")
    def test_bash_completes_file_names(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("order.bpmn", "vars.json"):
                with open(os.path.join(folder, name), "w", encoding="utf-8"):
                    pass
            start, job = folder + "/", ("weir", "zeebe", "complete", "job", "5", "--variables")
            both = {start + "order.bpmn", start + "vars.json"}
            self.assertEqual(self.complete("weir", "zeebe", "deploy", start), both)
            self.assertEqual(self.complete("weir", "zeebe", "deploy", "x.bpmn", start + "o"), {start + "order.bpmn"})
            self.assertEqual(self.complete("zbctl", "deploy", "resource", start), both)
            self.assertEqual(self.complete(*job, start + "v"), {start + "vars.json"})
            self.assertEqual(self.complete(*job, "@" + start + "v"), {"@" + start + "vars.json"})
            self.assertEqual(self.complete("weir", "zeebe", "status", "--ca-file", start), both)
            self.assertEqual(self.complete("weir", "zeebe", "status", "--ca-file", "=", start), both)
            self.assertEqual(self.complete("weir", "zeebe", "status", start), set())

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish_completes_words_flags_and_choices(self):
        script = self.weir("completion", "fish").out
        with tempfile.TemporaryDirectory() as home:
            for line, offered in (("weir zeebe st", "status"), ("zbctl st", "status"), ("weir token --for ", "salesforce"),
                                  ("weir zeebe status --client-i", "--client-id"), ("weir zeebe --address x st", "status")):
                done = subprocess.run(["fish", "-c", script + f"\ncomplete -C '{line}'"], capture_output=True, text=True,
                                      check=False, env=clean_environment({"HOME": home}))
                self.assertIn(offered, [row.split("\t")[0] for row in done.stdout.splitlines()], (line, done.stderr))

    def test_scripts_parse_in_their_shells(self):
        for shell, check in (("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")):
            script = self.expect(self.weir("completion", shell), 0, "weir", "").out
            if shutil.which(shell):
                with tempfile.NamedTemporaryFile("w", suffix="." + shell) as file:
                    file.write(script)
                    file.flush()
                    done = subprocess.run([shell, check, file.name], capture_output=True, text=True, check=False)
                    self.assertEqual((done.returncode, done.stderr), (0, ""), shell)


class BadData(Case):
    """Status 65 before anything is connected: no gateway runs here."""

    def call(self, data, *more, stdin=""):
        return self.one_line(self.weir("zeebe", "call", "PublishMessage", "--data", data, *more, stdin=stdin))

    def test_json_is_checked_with_line_and_column(self):
        self.expect(self.call('{"name":'), 65, "", r"^weir: zeebe: --data: .*line 1, column 8")
        self.expect(self.call('{"name": "a"\n'), 65, "", r"--data: .*line 2, column 1")
        self.expect(self.call('{"name": "a",\n "ttl" 5}'), 65, "", r"--data: .*line 2, column")
        self.expect(self.call("[]"), 65, "", "line 1, column 1: a JSON object is wanted")
        self.expect(self.call("-", stdin="{,}"), 65, "", r"--data: standard input: .*line 1, column 2")
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write('{\n"a": }')
            file.flush()
            for value in (file.name, "@" + file.name):
                self.expect(self.call(value), 65, "", re.escape(file.name) + ": .*line 2, column")

    def test_unknown_fields_and_wrong_types_are_named(self):
        self.expect(self.call('{"nmae":"a"}'), 65, "", r"nmae")
        self.expect(self.call('{"name":7}'), 65, "", r"name")
        self.expect(self.call('{"timeToLive":"soon"}'), 65, "", r"timeToLive")

    def test_variables_are_checked_before_anything_is_sent(self):
        for words in (("complete", "job", "5"), ("create", "instance", "p"), ("set", "variables", "5"),
                      ("publish", "message", "m", "--correlation-key", "k"), ("broadcast", "signal", "s"),
                      ("fail", "job", "5", "--retries", "1"), ("throw-error", "job", "5", "--error-code", "c"),
                      ("evaluate", "decision", "d")):
            for value, pattern in (("[1]", "line 1, column 1: a JSON object is wanted"), ("7", "line 1, column 1"),
                                   ('{"a":\n}', "line 2, column 1"), ("", "line 1, column 1: nothing is there")):
                result = self.one_line(self.weir("zeebe", *words, "--variables", value))
                self.expect(result, 65, "", "^weir: zeebe: --variables: .*" + pattern)

    def test_a_file_that_is_not_there_is_mentioned(self):
        result = self.weir("zeebe", "complete", "job", "5", "--variables", "nowhere.json")
        self.expect(self.one_line(result), 65, "", "line 1, column .*; no file has this name")
        self.assertNotIn("file", self.weir("zeebe", "complete", "job", "5", "--variables", '["a.json"]').err)

    def test_what_cannot_be_read_is_74_and_what_is_no_resource_65(self):
        with tempfile.TemporaryDirectory() as folder:
            self.expect(self.one_line(self.weir("zeebe", "deploy", folder + "/x.bpmn")), 74, "", "cannot read .*No such file")
            self.expect(self.one_line(self.weir("zeebe", "deploy", folder)), 65, "", r"has no file named \*\.bpmn")
            error = self.expect(self.weir("zeebe", "deploy", folder, "-o", "json"), 65, "").error()
            self.assertEqual((error["status"], error["origin"]), ("INVALID", "weir"))
        for words in (("complete", "job", "5", "--variables", "@/nowhere/x"), ("modify", "instance", "5", "--plan", "@/nowhere/x")):
            self.expect(self.one_line(self.weir("zeebe", *words)), 74, "", "cannot read /nowhere/x")

    def test_an_unknown_rpc_is_named_with_the_nearest(self):
        result = self.one_line(self.weir("zeebe", "call", "Topolgy"))
        self.expect(result, 65, "", r"^weir: zeebe: .*Topolgy.*Topology")

    def test_a_file_that_cannot_be_read_is_74(self):
        self.expect(self.call("@/no/such/file"), 74, "", "/no/such/file: No such file")

    def test_a_malformed_header_is_named(self):
        self.expect(self.call("{}", "--header", "novalue"), 65, "", "--header: \"novalue\" is not 'name: value'")

    def test_malformed_settings_are_named(self):
        for args, env, named in (
            (("--address", "host:0"), {}, "--address: "),
            (("--address", "ftp://host"), {}, "unknown scheme"),
            (("--port", "70000"), {}, "--port: "),
            ((), {"ZEEBE_PORT": "x"}, "ZEEBE_PORT: "),
            ((), {"ZEEBE_KEEP_ALIVE": "soon"}, "ZEEBE_KEEP_ALIVE: "),
            ((), {"ZEEBE_INSECURE_CONNECTION": "perhaps"}, "ZEEBE_INSECURE_CONNECTION: "),
            (("--channel-option", "grpc.keepalive_time_ms"), {}, "--channel-option: "),
            (("--channel-option", "grpc.keepalive_time_ms=soon"), {}, "grpc.keepalive_time_ms"),
        ):
            with self.subTest(args=args, env=env):
                self.expect(self.one_line(self.weir("zeebe", "status", *args, env=env)), 65, "", re.escape(named))

    def test_a_certificate_that_is_none_is_named(self):
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write("no certificate")
            file.flush()
            result = self.weir("zeebe", "status", "--ca-file", file.name)
            self.expect(self.one_line(result), 65, "", re.escape(file.name))
        self.expect(self.one_line(self.weir("zeebe", "status", "--ca-file", "/no/such.pem")), 74, "", "/no/such.pem")


CLIENT = {"CAMUNDA_CLIENT_ID": "me", "CAMUNDA_CLIENT_SECRET": "s3cret-of-a-flag"}
IDP = {"CAMUNDA_OAUTH_URL": "https://idp.example/t"}


class Settings(Case):
    """Status 78 before anything is connected."""

    def test_settings_are_called_as_they_were_given(self):
        login = {"CAMUNDA_CLIENT_ID": "me", "CAMUNDA_CLIENT_SECRET": "s3cret-in-a-url"}
        mine = {"OAUTH_CLIENT_SECRET": "s3cret-in-a-url", "OAUTH_CLIENT_ID": "me"}
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as none:
            none.write("none")
            none.flush()
            for words, env, pattern in (
                ("zeebe status --authz-url ftp://x", login, "^weir: zeebe: --authz-url: the scheme"),
                ("zeebe status", {**login, "CAMUNDA_OAUTH_URL": "x"}, "^weir: zeebe: CAMUNDA_OAUTH_URL is no URL"),
                ("zeebe status --address https://127.0.0.1:1 --ca-file " + none.name, {}, r"\(--ca-file\)"),
                ("zeebe status --address https://127.0.0.1:1", {"WEIR_CA_FILE": none.name}, r"\(WEIR_CA_FILE\)"),
                ("zeebe status --cert-path " + none.name, {}, r"\(--cert-path\)"),
                ("zeebe status --client-key " + none.name, {}, "without --client-cert"),
                ("zeebe status --authority a/b", {}, "--authority is 'a/b'"),
                ("token --token-url https://me@x.invalid/t", mine, "--token-url .*OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET"),
                ("token --token-url https://x.invalid/t --param grant_type=x", mine, r"\(--param repeats"),
                ("token --for salesforce --login-url ftp://x", {"SALESFORCE_CLIENT_ID": "me", "SALESFORCE_CLIENT_SECRET":
                 "s3cret-in-a-url"}, "^weir: token: --login-url: the scheme"),
            ):
                with self.subTest(words):
                    self.expect(self.one_line(self.weir(*words.split(), "--request-timeout", "1s", env=env)), 65, "", pattern)

    def test_what_is_missing_or_contradictory_is_named(self):
        for args, env, named in (
            ((), {"CAMUNDA_CLIENT_ID": "me"}, ("CAMUNDA_CLIENT_SECRET", "ZEEBE_CLIENT_SECRET")),
            ((), {"ZEEBE_CLIENT_SECRET": "s3cret-of-a-flag"}, ("CAMUNDA_CLIENT_ID", "ZEEBE_CLIENT_ID")),
            ((), CLIENT, ("CAMUNDA_OAUTH_URL", "ZEEBE_AUTHORIZATION_SERVER_URL")),
            (("--cluster-id", "x"), {}, ("CAMUNDA_CLIENT_ID",)),
            (("--token-env", "NO_SUCH"), {}, ("--token-env", "NO_SUCH")),
            (("--client-cert", "c.pem"), {}, ("--client-key",)),
            (("--insecure", "--cert-path", "x"), {}, ("--insecure", "--cert-path", "contradict")),
            (("--insecure", "--address", "https://x"), {}, ("--insecure", "--address", "contradict")),
            (("--cluster-id", "x", "--address", "y"), {}, ("--cluster-id", "--address", "contradict")),
            (("--address", "grpc://gw.example"), {**CLIENT, **IDP}, ("gw.example:26500", "--allow-plaintext")),
            ((), {**CLIENT, "CAMUNDA_OAUTH_URL": "http://idp.example/t"}, ("idp.example", "--allow-plaintext")),
            (("--insecure", "--address", "gw.example"), {"WEIR_ACCESS_TOKEN": "s3cret-of-a-flag"},
             ("gw.example:26500", "--allow-plaintext")),
            (("--channel-option", "grpc.nonsense=1"), {}, ("grpc.nonsense",)),
        ):
            with self.subTest(args=args, env=env):
                result = self.one_line(self.expect(self.weir("zeebe", "status", *args, env=env), 78, ""))
                for word in named:
                    self.assertIn(word, result.err)

    def test_a_secret_in_a_header_does_not_go_out_in_plaintext(self):
        result = self.weir("zeebe", "call", "Topology", "--insecure", "--address", "gw.example", "--header",
                           "Authorization: Bearer s3cret-of-a-header")
        self.expect(self.one_line(result), 78, "", "--header would send a secret to gw.example:26500 without TLS")

    def test_token_names_what_it_misses(self):
        url = {"OAUTH_TOKEN_URL": "https://idp.example/t"}
        for args, env, named in (
            ((), {}, "token-url is missing: set OAUTH_TOKEN_URL, or give --token-url"),
            ((), url, "client-id is missing: set OAUTH_CLIENT_ID, or give --client-id"),
            (("--client-id", "me"), url, "client-secret is missing: set OAUTH_CLIENT_SECRET"),
            (("--client-id", "me", "--client-auth", "private-key-jwt"), url, "private-key is missing"),
            (("--grant", "password"), url, "username is missing"),
            (("--grant", "password", "--username", "u"), url, "password is missing: set OAUTH_PASSWORD"),
            (("--grant", "refresh-token"), url, "refresh-token is missing: set OAUTH_REFRESH_TOKEN"),
            (("--grant", "jwt-bearer", "--client-id", "me"), url, "private-key is missing"),
            (("--for", "zeebe"), {}, "CAMUNDA_CLIENT_ID"),
            (("--for", "salesforce"), {}, "client-id is missing: set SALESFORCE_CLIENT_ID, or give --client-id"),
            (("--for", "salesforce"), {"SALESFORCE_ACCESS_TOKEN": "s3cret-of-a-flag"}, "SALESFORCE_INSTANCE_URL"),
            (("--for", "salesforce", "--grant", "jwt-bearer", "--client-id", "x"), {}, "set SALESFORCE_PRIVATE_KEY"),
            (("--for", "salesforce", "--sandbox", "--login-url", "https://x"), {}, "contradict"),
        ):
            with self.subTest(args=args, env=env):
                self.expect(self.one_line(self.weir("token", *args, env=env)), 78, "", re.escape(named))

    def test_config_says_where_each_setting_came_from_and_shows_no_secret(self):
        env = {**CLIENT, "ZEEBE_CLIENT_ID": "beaten", "CAMUNDA_OAUTH_URL": "https://me:s3cret-in-a-url@idp.example/t",
               "ZEEBE_ADDRESS": "", "ZEEBE_GRPC_ADDRESS": "grpcs://gw.example", "HTTPS_PROXY": "http://u:s3cret-in-a-url@p"}
        text = self.expect(self.weir("zeebe", "config", "--scope", "all", env=env), 0, None, "").out
        for line in ("gateway          gw.example:443  (ZEEBE_GRPC_ADDRESS)", "tls              on  (ZEEBE_GRPC_ADDRESS)",
                     "login            oauth2  (resolved)", "client-id        me  (CAMUNDA_CLIENT_ID)",
                     "client-secret    ***  (CAMUNDA_CLIENT_SECRET)", "scope            all  (--scope)",
                     "authz-url        https://***@idp.example/t  (CAMUNDA_OAUTH_URL)",
                     "keepalive        45s  (default)", "HTTPS_PROXY      http://***@p  (environment)"):
            self.assertIn(line + "\n", text)
        settings = json.loads(self.weir("zeebe", "config", "-o", "json", env=env).out)
        self.assertEqual(settings["client-secret"], {"value": "***", "from": "CAMUNDA_CLIENT_SECRET"})
        self.assertEqual(settings["tls"], {"value": "on", "from": "ZEEBE_GRPC_ADDRESS"})

    def test_config_names_all_that_the_gateway_was_put_together_from(self):
        env = {"ZEEBE_ADDRESS": "a.example:1", "ZEEBE_HOST": "b.example"}
        for args, gateway in (((), "b.example:1  (ZEEBE_HOST, ZEEBE_ADDRESS)"), (("--port", "3"), "b.example:3  (ZEEBE_HOST, --port)"),
                              (("--address", "c.example"), "c.example:26500  (--address)")):
            self.expect(self.weir("zeebe", "config", *args, env=env), 0, "^gateway +" + re.escape(gateway) + "$", "")

    def test_config_says_what_is_missing_after_what_was_found(self):
        result = self.weir("zeebe", "config", "-o", "json", env={"ZEEBE_CLIENT_ID": "me"})
        self.assertEqual(json.loads(self.expect(result, 78).out)["client-id"]["from"], "ZEEBE_CLIENT_ID")
        self.assertEqual(result.error()["status"], "MISSING")

    def test_a_secret_may_come_from_a_file_and_one_that_cannot_be_read_is_74(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("s3cret-of-a-flag\n")
            file.flush()
            env = {**IDP, "ZEEBE_CLIENT_ID": "me", "ZEEBE_CLIENT_SECRET_FILE": file.name}
            self.expect(self.weir("zeebe", "config", env=env), 0, r"client-secret +\*\*\*  \(ZEEBE_CLIENT_SECRET_FILE\)", "")
        env["ZEEBE_CLIENT_SECRET_FILE"] = "/no/such/file"
        self.expect(self.weir("zeebe", "status", env=env), 74, "", "ZEEBE_CLIENT_SECRET_FILE: .*/no/such/file")

    def test_a_secret_given_as_a_flag_is_taken_with_one_line_of_warning(self):
        result = self.weir("zeebe", "config", "--clientId", "me", "--clientSecret", "s3cret-of-a-flag", env=IDP)
        self.expect(result, 0, r"client-secret +\*\*\*  \(--client-secret\)")
        self.assertEqual(result.all_err.count("other users of this machine can see"), 1, result)


class Output(Case):
    def shell(self, command):
        return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60,
                              env=clean_environment({"WEIR": WEIR}))

    def test_a_closed_stdout_ends_silently_with_141(self):
        done = self.shell('"$WEIR" zeebe config >&-; echo $? >&2')
        self.assertEqual(done.stderr.splitlines()[-1], "141")
        done = self.shell('(trap "" PIPE; "$WEIR" completion fish; echo $? >&2) | :')
        self.assertIn(done.stderr.splitlines()[-1], ("141", "0"))  # 0: it was written before the reader went

    def test_a_full_disk_is_said_with_74(self):
        done = self.shell('"$WEIR" zeebe config >/dev/full; echo $? >&2')
        self.assertRegex(done.stderr, r"weir: zeebe: cannot write to standard output: No space left on device\n74\n\Z")


if __name__ == "__main__":
    unittest.main()
