#!/usr/bin/env python3
"""One environment, one channel: the program and weir_channel_from_environment() must make the same of it.

A table of environments goes through `weir zeebe status` and through the example program `state`, which opens whatever
the environment describes, beside a sandbox. The same must come out: the exit status (a failure's kind), and the
credentials and the audience that were sent, as the sandbox saw them.
"""
import json
import os
import subprocess
import tempfile
import unittest

from cli_lib import DEADLINE, SECRETS, WEIR, SandboxCase, clean_environment

STATE = os.path.join(os.environ["WEIR_BINARY"], "examples", "state")


OF_THE_MOMENT = ("number", "time", "peer", "ms", "headers")


def run(program, env):
    """The exit status, and what it said."""
    done = subprocess.run(program, capture_output=True, text=True, timeout=DEADLINE, env=clean_environment(env), check=False)
    for secret in SECRETS:
        if secret in done.stderr:
            raise AssertionError(f"a secret on stderr: {done.stderr}")
    return done.returncode, done.stderr


class Same(SandboxCase):
    FLAGS = ()

    def requests(self):
        lines = self.expect(self.at("sandbox", "requests"), 0).out.splitlines()
        return [json.loads(line) for line in lines]

    def seen(self, before):
        """What the sandbox has been asked since, as far as it says something of the channel."""
        asked = [one for one in self.requests()[before:] if one["what"] in ("token", "zeebe.Topology")]
        return [{name: value for name, value in one.items() if name not in OF_THE_MOMENT} for one in asked]

    def compare(self, change, status):
        """In the sandbox's environment with this change both programs must end with `status`."""
        env = {**self.env, "WEIR_TOKEN_CACHE": "none", **change}
        outcomes = []
        for program in ([WEIR, "zeebe", "status", "--request-timeout", "2s"], [STATE]):
            before = len(self.requests())
            code, said = run(program, env)
            outcomes.append((code, self.seen(before), said))
        (cli, cli_seen, cli_said), (library, library_seen, library_said) = outcomes
        told = f"\nchange {change}\nweir: {cli} {cli_said}state: {library} {library_said}"
        self.assertEqual(cli, library, told)
        self.assertEqual(cli, status, told)
        self.assertEqual(cli_seen, library_seen, told)

    def table(self, rows):
        for row in rows:
            with self.subTest(row):
                self.compare(*row)


class Plain(Same):
    def test_addresses(self):
        address = self.env["ZEEBE_ADDRESS"]
        host, port = address.split(":")
        bare = {"ZEEBE_INSECURE_CONNECTION": ""}
        self.table((
            ({}, 0), (bare, 0), ({**bare, "ZEEBE_ADDRESS": "http://" + address}, 0), ({"ZEEBE_ADDRESS": "grpc://" + address}, 0),
            ({"ZEEBE_ADDRESS": "GRPC://" + address}, 0), ({"ZEEBE_ADDRESS": "http://" + address + "/"}, 0),
            ({"ZEEBE_ADDRESS": "", "ZEEBE_GRPC_ADDRESS": address}, 0),
            ({"ZEEBE_ADDRESS": "127.0.0.1:1", "ZEEBE_PORT": port}, 0), ({"ZEEBE_ADDRESS": "nowhere.invalid:" + port, "ZEEBE_HOST": host}, 0),
            ({"ZEEBE_ADDRESS": "", "ZEEBE_HOST": host, "ZEEBE_PORT": port}, 0), ({"ZEEBE_ADDRESS": "", "ZEEBE_PORT": port}, 0),
            ({"ZEEBE_ADDRESS": "[::ffff:127.0.0.1]:" + port}, 0), ({"ZEEBE_ADDRESS": "localhost:" + port}, 0),
            ({**bare, "ZEEBE_ADDRESS": "localhost.:" + port}, 0),
            ({"ZEEBE_ADDRESS": "dns:///" + address}, 0), ({"ZEEBE_ADDRESS": "dns:" + address}, 0),
            ({**bare, "ZEEBE_ADDRESS": "ipv4:" + address}, 0), ({**bare, "ZEEBE_ADDRESS": f"ipv4:127.0.0.1:1,{address}"}, 0),
            ({"ZEEBE_ADDRESS": "ipv6:[::ffff:127.0.0.1]:" + port}, 0),
            ({"ZEEBE_ADDRESS": "ipv4:" + address, "ZEEBE_PORT": "1"}, 65),
            ({"ZEEBE_ADDRESS": address + "/path"}, 65), ({"ZEEBE_ADDRESS": "http://" + address + "/path"}, 65),
            ({"ZEEBE_ADDRESS": "ftp://" + address}, 65),
            ({"ZEEBE_ADDRESS": ":1"}, 65), ({"ZEEBE_ADDRESS": "a b"}, 65), ({"ZEEBE_ADDRESS": "http://"}, 65),
            ({"ZEEBE_ADDRESS": "127.0.0.1:0"}, 65), ({"ZEEBE_ADDRESS": "127.0.0.1:x"}, 65), ({"ZEEBE_ADDRESS": "http://me:pw@" + address}, 65),
            ({"ZEEBE_PORT": "x"}, 65), ({"ZEEBE_PORT": "0"}, 65), ({"ZEEBE_PORT": "65536"}, 65), ({"ZEEBE_PORT": "-1"}, 65),
            ({"ZEEBE_HOST": "a:1"}, 65), ({"ZEEBE_HOST": "http://a"}, 65),
        ))

    def test_whether_tls(self):
        address = self.env["ZEEBE_ADDRESS"]
        self.table((
            *(({"ZEEBE_INSECURE_CONNECTION": word}, 0) for word in ("1", "TRUE", "yes", "on")),
            ({"ZEEBE_INSECURE_CONNECTION": "maybe"}, 65),
            ({"ZEEBE_INSECURE_CONNECTION": "no", "ZEEBE_ADDRESS": "http://" + address}, 78),
            ({"ZEEBE_ADDRESS": "https://" + address}, 78),
            ({"ZEEBE_CA_CERTIFICATE_PATH": "/nonexistent/ca.pem"}, 78),
            ({"ZEEBE_ADDRESS": "gateway.invalid:1"}, 78),
            ({"ZEEBE_INSECURE_CONNECTION": "", "ZEEBE_CA_CERTIFICATE_PATH": "/nonexistent/ca.pem"}, 74),
            ({"ZEEBE_INSECURE_CONNECTION": "", "WEIR_CA_FILE": "/nonexistent/ca.pem"}, 74),
            ({"WEIR_ALLOW_PLAINTEXT": "perhaps"}, 65),
            ({"CAMUNDA_OAUTH_URL": "http://idp.invalid/token"}, 78),
        ))

    def test_keepalive(self):
        self.table(
            [({"ZEEBE_KEEP_ALIVE": text}, 0) for text in ("45000", "45s", "1m30s", "1.5h", "0", "1m0s", ".5s", "1.5")] +
            [({"ZEEBE_KEEP_ALIVE": text}, 65) for text in ("-1", "x", "1d", "1 s", "1m30", "1ms1", "s")])

    def test_who(self):
        with tempfile.TemporaryDirectory() as folder:
            def file(name, content):
                path = os.path.join(folder, name)
                with open(path, "wb") as out:
                    out.write(content)
                return path

            none = {"CAMUNDA_CLIENT_ID": "", "CAMUNDA_CLIENT_SECRET": ""}
            token = self.token("--for", "zeebe")
            secret = self.env["CAMUNDA_CLIENT_SECRET"].encode()
            self.table((
                (none, 77), ({**none, "ZEEBE_CLIENT_ID": "sandbox", "ZEEBE_CLIENT_SECRET": secret.decode()}, 0),
                ({"ZEEBE_CLIENT_ID": "other", "ZEEBE_CLIENT_SECRET": "wr0ng-s3cret"}, 0), ({"CAMUNDA_CLIENT_SECRET": "wr0ng-s3cret"}, 77),
                ({"CAMUNDA_CLIENT_ID": ""}, 78), ({"CAMUNDA_CLIENT_SECRET": ""}, 78), ({"CAMUNDA_OAUTH_URL": ""}, 78),
                ({"CAMUNDA_OAUTH_URL": "", "ZEEBE_AUTHORIZATION_SERVER_URL": self.env["CAMUNDA_OAUTH_URL"]}, 0),
                ({"CAMUNDA_OAUTH_URL": "nonsense"}, 65), ({"CAMUNDA_OAUTH_URL": "ftp://idp.example/"}, 65),
                *(({"CAMUNDA_CLIENT_SECRET": "", name + "_CLIENT_SECRET_FILE": file("s" + str(len(end)), secret + end)}, 0)
                  for name in ("CAMUNDA", "ZEEBE") for end in (b"", b"\n", b"\r\n")),
                ({"CAMUNDA_CLIENT_SECRET": "", "CAMUNDA_CLIENT_SECRET_FILE": file("nul", secret + b"\0more")}, 65),
                ({"CAMUNDA_CLIENT_SECRET": "", "CAMUNDA_CLIENT_SECRET_FILE": file("empty", b"\n")}, 78),
                ({"CAMUNDA_CLIENT_SECRET": "", "CAMUNDA_CLIENT_SECRET_FILE": os.path.join(folder, "missing")}, 74),
                ({"CAMUNDA_CLIENT_SECRET": "", "CAMUNDA_CLIENT_SECRET_FILE": folder}, 74),
                ({"CAMUNDA_CLIENT_SECRET": "", "CAMUNDA_CLIENT_SECRET_FILE": file("large", b"x" * 3000000)}, 65),
                ({"CAMUNDA_CLIENT_ID": "", "CAMUNDA_CLIENT_ID_FILE": file("id", b"sandbox\n")}, 0),
                ({**none, "WEIR_ACCESS_TOKEN": token}, 0), ({**none, "WEIR_ACCESS_TOKEN": "not-a-token"}, 77),
                ({**none, "WEIR_ACCESS_TOKEN_FILE": file("token", token.encode() + b"\n")}, 0),
                ({**none, "WEIR_ACCESS_TOKEN": "two words"}, 65), ({"WEIR_ACCESS_TOKEN": "not-a-token"}, 0),
                ({"CAMUNDA_TOKEN_AUDIENCE": "one", "ZEEBE_TOKEN_AUDIENCE": "two"}, 0), ({"ZEEBE_TOKEN_AUDIENCE": "two"}, 0),
                ({"CAMUNDA_TOKEN_SCOPE": "a b"}, 0), ({"ZEEBE_TOKEN_SCOPE": "c"}, 0),
            ))

    def test_a_cluster_id_counts_without_an_address_only(self):
        nowhere = {"HTTPS_PROXY": "http://127.0.0.1:1", "ZEEBE_INSECURE_CONNECTION": "", "ZEEBE_ADDRESS": "", "CAMUNDA_OAUTH_URL": ""}
        self.table((
            ({"CAMUNDA_CLUSTER_ID": "abc"}, 0), ({**nowhere, "CAMUNDA_CLUSTER_ID": "abc"}, 69),
            ({**nowhere, "CAMUNDA_CLUSTER_ID": "a/b"}, 65), ({**nowhere, "CAMUNDA_CLUSTER_ID": "a.b"}, 65),
            ({**nowhere, "CAMUNDA_CLUSTER_ID": "abc", "CAMUNDA_CLUSTER_REGION": "x.y"}, 65),
            ({**nowhere, "CAMUNDA_CLUSTER_ID": "abc", "CAMUNDA_CLIENT_SECRET": ""}, 78),
            ({**nowhere, "CAMUNDA_CLUSTER_ID": "abc", "CAMUNDA_CLIENT_ID": "", "CAMUNDA_CLIENT_SECRET": ""}, 78),
            ({**nowhere, "CAMUNDA_CLUSTER_ID": "abc", "ZEEBE_INSECURE_CONNECTION": "true"}, 78),
            ({**nowhere, "ZEEBE_ADDRESS": "abc.bru-2.zeebe.camunda.io."}, 69),
            ({**nowhere, "ZEEBE_ADDRESS": "gateway.invalid"}, 78),
        ))

    def test_names_for_the_gateway(self):
        self.table((
            ({"ZEEBE_OVERRIDE_AUTHORITY": "gateway.example"}, 0), ({"ZEEBE_OVERRIDE_AUTHORITY": "gateway.example:443"}, 0),
            ({"ZEEBE_OVERRIDE_AUTHORITY": "a b"}, 65), ({"ZEEBE_OVERRIDE_AUTHORITY": "a/b"}, 65),
        ))


class Tls(Same):
    FLAGS = ("--tls",)

    def test_trust(self):
        roots = self.env["WEIR_CA_FILE"]
        bare = {"WEIR_CA_FILE": "", "ZEEBE_CA_CERTIFICATE_PATH": ""}
        address = self.env["ZEEBE_ADDRESS"].replace("grpcs://", "")
        none = {"CAMUNDA_CLIENT_ID": "", "CAMUNDA_CLIENT_SECRET": "", "WEIR_ACCESS_TOKEN": self.token("--for", "zeebe")}
        unsaid = {"ZEEBE_ADDRESS": address, "ZEEBE_INSECURE_CONNECTION": ""}
        self.table((
            ({}, 0), (bare, 76), ({**bare, **none}, 76), ({**bare, **none, "ZEEBE_CA_CERTIFICATE_PATH": roots}, 0),
            ({**bare, **none, "WEIR_CA_FILE": roots}, 0), ({**bare, "ZEEBE_CA_CERTIFICATE_PATH": roots}, 76), ({**unsaid}, 0),
            ({**unsaid, "ZEEBE_INSECURE_CONNECTION": "off"}, 0), ({"ZEEBE_ADDRESS": "https://" + address}, 0),
            ({"ZEEBE_OVERRIDE_AUTHORITY": "other.example"}, 76), ({"ZEEBE_OVERRIDE_AUTHORITY": "localhost:7"}, 0),
            ({"ZEEBE_CA_CERTIFICATE_PATH": os.devnull}, 65), ({"ZEEBE_CA_CERTIFICATE_PATH": "/nonexistent/ca.pem"}, 74),
        ))


del Same
if __name__ == "__main__":
    unittest.main()
