"""What the tests of the program share: running it, and running a sandbox beside it.

The program is $WEIR_BINARY/src/cli/weir. With WEIR_TEST_TRACE=1 everything runs at log level trace, and after
each run, whatever it was about, no secret may stand in what it wrote.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

WEIR = os.path.join(os.environ["WEIR_BINARY"], "src", "cli", "weir")
TRACE = os.environ.get("WEIR_TEST_TRACE") == "1"
LOG_LINE = re.compile(r"^weir: [\w#.-]+: (error|warn|info|debug|trace): .*\n?", re.M)
DEADLINE = 60  # of one run; the slowest machine under a sanitizer needs less

# Every credential used in a test; the sandbox's own, and those it issues, are added when they are seen.
SECRETS = {"s3cret-of-a-flag", "s3cret-of-a-header", "s3cret-in-a-url", "wr0ng-s3cret"}


class Whole(str):
    """A text that must be all there is."""


class Result:
    def __init__(self, status, out, err, shown=()):
        self.status = status
        self.out = out
        self.all_err = err
        self.err = LOG_LINE.sub("", err) if TRACE else err
        self.shown = set(shown)

    def error(self):
        """The error document on stderr."""
        return json.loads(self.err)["error"]

    def __repr__(self):
        return f"status {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.all_err}"


def clean_environment(more=None):
    """Nothing that would lead the program anywhere; nothing can be made in this home, not even by root."""
    env = {"PATH": os.environ["PATH"], "HOME": "/proc/nobody", "LC_ALL": "C.UTF-8", "WEIR_TOKEN_CACHE": "none"}
    env.update({name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")})
    if TRACE:
        env["WEIR_LOG"] = "trace"
    env.update(more or {})
    return env


class Case(unittest.TestCase):
    maxDiff = None

    def weir(self, *args, env=None, stdin="", shows=(), program=WEIR):
        """Runs the program. `shows`: secrets that it is asked to print on stdout."""
        done = subprocess.run([program, *args], input=stdin, capture_output=True, text=True, timeout=DEADLINE,
                              env=clean_environment(env), check=False)
        result = Result(done.returncode, done.stdout, done.stderr)
        self.no_secret(result, shows)
        return result

    def no_secret(self, result, shows=()):
        for secret in SECRETS:
            self.assertNotIn(secret, result.all_err, f"a secret on stderr: {result}")
            if secret not in shows:
                self.assertNotIn(secret, result.out, f"a secret on stdout: {result}")

    def expect(self, result, status, out=None, err=None):
        """The status; stdout and stderr: "" is nothing at all, Whole is the whole text, else a pattern in it."""
        self.assertEqual(result.status, status, result)
        for wanted, got in ((out, result.out), (err, result.err)):
            if wanted == "" or isinstance(wanted, Whole):
                self.assertEqual(got, wanted, result)
            elif wanted is not None:
                self.assertRegex(got, re.compile(wanted, re.M), result)
        return result

    def one_line(self, result):
        """What failed is said in one line, and nothing is on stdout."""
        self.assertRegex(result.err, r"\Aweir: [^\n]+\n\Z", result)
        return result


class Sandbox:
    """`weir sandbox` for a class of tests."""

    def __init__(self, *flags):
        self.folder = tempfile.mkdtemp(prefix="weir-cli-")
        self.log = os.path.join(self.folder, "requests")
        self.errors = open(os.path.join(self.folder, "stderr"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([WEIR, "sandbox", "-o", "json", "--log", self.log, *flags],
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        env=clean_environment())
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise RuntimeError("no sandbox: " + self.errors.read())
        self.env = json.loads(line)
        SECRETS.update(value for name, value in self.env.items() if name.endswith(("_SECRET", "_PASSWORD", "_REFRESH_TOKEN")))

    def stop(self):
        """Ends it; returns all that it wrote."""
        self.process.terminate()
        status = self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.errors.seek(0)
        text = self.errors.read()
        self.errors.close()
        with open(self.log, encoding="utf-8") as log:
            text += log.read()
        shutil.rmtree(self.folder)
        if status != 0:
            raise AssertionError(f"the sandbox ended with {status}: {text[-2000:]}")
        return text


class SandboxCase(Case):
    """Tests beside a sandbox of their own; each begins without faults and with an empty token cache."""
    FLAGS = ()

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox(*cls.FLAGS)

    @classmethod
    def tearDownClass(cls):
        text = cls.sandbox.stop()
        for secret in SECRETS:
            if secret in text:
                raise AssertionError(f"the sandbox wrote the secret {secret}")

    def setUp(self):
        self.env = dict(self.sandbox.env)
        self.cache = os.path.join(self.sandbox.folder, "cache", "credentials")
        shutil.rmtree(os.path.dirname(self.cache), ignore_errors=True)
        self.env["WEIR_TOKEN_CACHE"] = self.cache
        self.expect(self.at("sandbox", "fault", "forget"), 0)

    def at(self, *args, env=None, **more):
        """Runs the program with the sandbox's variables, changed by `env`; None takes one away."""
        changed = {name: value for name, value in {**self.env, **(env or {})}.items() if value is not None}
        return self.weir(*args, env=changed, **more)

    def fault(self, *words):
        self.expect(self.at("sandbox", "fault", *words), 0)

    def count(self, what):
        """How many requests of this kind the sandbox has had."""
        lines = self.expect(self.at("sandbox", "requests"), 0).out.splitlines()
        return sum(json.loads(line)["what"] == what for line in lines)

    def token(self, *args, **more):
        """A token as `weir token` prints it; a secret from then on."""
        done = subprocess.run([WEIR, "token", *args], capture_output=True, text=True, timeout=DEADLINE,
                              env=clean_environment({**self.env, **more}), check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        SECRETS.add(done.stdout.strip())
        return done.stdout.strip()
