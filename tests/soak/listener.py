#!/usr/bin/env python3
"""kill -9 of `weir salesforce listen` at random instants, again and again, while numbered events come and the server loses
sessions, tokens and cookies. Usage: listener.py [ROUNDS [SEED [WAY...]]]; the seed is printed. WAYs: store (lines into a file),
stdin (--ack stdin), exec (a process an event), coprocess, full (the disk is), rubbish (instead of the store's file); redis: two
listeners on the Redis server that WEIR_SOAK_REDIS names (redis://127.0.0.1:PORT/0), one of which stands by.

What must hold: every number is delivered; what a listener delivers is numbers one after the other, without a hole; it begins
right behind the position that the store had when it was started, so only events that were not acknowledged come again; the store
never has a position of an event that was not delivered (with --ack stdin: that was not acknowledged).
"""
import ctypes
import json
import os
import random
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

WEIR = os.path.join(os.environ.get("WEIR_BINARY", "build/dev"), "src", "cli", "weir")
DEADLINE = 120  # for what must come
WAYS = ("store", "stdin", "exec", "coprocess", "full", "rubbish")
CHAOS = ("kill", "disconnect", "reroute", "expire")


LIVE = set()  # what is ended however this ends


class Fault(Exception):
    pass


def start(*args, **more):
    """A process that the kernel ends with this one."""
    limit = more.pop("limit", None)

    def prepare():
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if limit:
            limit()

    process = subprocess.Popen(args, preexec_fn=prepare, **more)  # pylint: disable=subprocess-popen-preexec-fn
    LIVE.add(process)
    return process


def end_all():
    for process in LIVE:
        process.terminate()  # a sandbox removes its folder then; nothing once it has ended
    for process in LIVE:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    LIVE.clear()


def must(good, what):
    if not good:
        raise Fault(what)


class Sandbox:
    def __init__(self):
        self.process = start(WEIR, "sandbox", "--only", "salesforce", stdout=subprocess.PIPE, text=True)
        self.env = {"PATH": os.environ["PATH"], "HOME": "/proc/nobody", "LC_ALL": "C.UTF-8"}
        self.env.update({name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")})
        for line in self.process.stdout:
            if line == "ready\n":
                return
            name, value = line.strip().removeprefix("export ").split("=", 1)
            self.env[name] = value.strip("'\"")
        raise Fault("the sandbox did not start")

    def order(self, *words):
        done = subprocess.run([WEIR, "sandbox", *words], env=self.env, capture_output=True, text=True, timeout=60, check=False)
        must(done.returncode == 0, f"sandbox {' '.join(words)}: {done.stderr}")
        return done.stdout


class Source(threading.Thread):
    """Emits numbers, and now and then lets something happen to the server's sessions."""

    def __init__(self, sandbox, channel, dice):
        super().__init__(daemon=True)
        self.sandbox, self.channel, self.dice = sandbox, channel, dice
        self.ids = []  # of numbers 1, 2, ...
        self.stop, self.fault, self.told = threading.Event(), None, threading.Condition()

    def emit(self, count):
        ids = self.sandbox.order("emit", "salesforce", self.channel, "--count", str(count), "--first", str(len(self.ids) + 1))
        with self.told:
            self.ids += [int(word) for word in ids.split()]
            self.told.notify_all()

    def run(self):
        try:
            while not self.stop.wait(self.dice.random() * 0.05):
                self.emit(self.dice.choice((1, 1, 2, 5, 30)))
                if self.dice.random() < 0.03:
                    self.sandbox.order("now", "salesforce", self.dice.choice(CHAOS))
        except Exception as fault:  # pylint: disable=broad-except
            self.fault = fault

    def finish(self):
        self.stop.set()
        self.join(60)
        must(not self.fault, f"the source: {self.fault}")

    def number(self, replay_id):
        """An event may be delivered before the command that emitted it has told its id."""
        with self.told:
            must(self.told.wait_for(lambda: replay_id in self.ids, DEADLINE), f"{replay_id} is no event's id")
            return self.ids.index(replay_id) + 1


class Listener:
    """One run of the program; `lines` gets (number, replay id) of each event."""

    def __init__(self, case, flags=(), limit=None):
        case.runs += 1
        self.case, self.numbers, self.rest = case, [], b""
        self.errors = open(case.path("errors"), "a+", encoding="utf-8")
        self.errors_from = self.errors.tell()
        self.process = start(
            WEIR, "salesforce", "listen", case.channel, "--replay", case.replay, *case.flags(), *flags, limit=limit,
            stdin=subprocess.PIPE if case.way == "stdin" else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors,
            env={**case.sandbox.env, "WEIR_STORE": case.store})
        os.set_blocking(self.process.stdout.fileno(), False)

    def read(self, seconds):
        """What has come, waiting for so long if nothing has; False at its end."""
        select.select([self.process.stdout], [], [], seconds)
        data = self.process.stdout.read()
        if data is None:
            return True
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            self.numbers.append(event["data"]["payload"]["Number__c"])
            self.case.delivered(self, event["data"]["event"]["replayId"])
        return bool(data)

    def until(self, good, what):
        end = time.monotonic() + DEADLINE
        while not good():
            if not self.read(0.1) and not good():
                raise Fault(f"{what}: it ended with {self.process.wait(60)}: {self.said()}")
            must(time.monotonic() < end, f"{what}: it did not come in {DEADLINE} s: {self.said()}")

    def idle(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.read(end - time.monotonic()):
            pass

    def kill(self):
        self.process.kill()
        self.wait()

    def wait(self):
        end = time.monotonic() + DEADLINE
        while self.read(1):
            must(time.monotonic() < end, f"it does not end: {self.said()}")
        status = self.process.wait(DEADLINE)
        self.process.stdout.close()
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        return status

    def said(self):
        self.errors.seek(self.errors_from)
        return self.errors.read()


class Case:
    """Events of one channel, and the listeners of one way."""

    def __init__(self, way, sandbox, folder, dice):
        self.way, self.sandbox, self.folder, self.dice = way, sandbox, folder, dice
        self.channel = f"/event/{way.title()}{dice.randrange(10**6)}__e"
        self.store, self.replay = self.path("store.db"), "stored"
        self.source = Source(sandbox, self.channel, random.Random(dice.random()))
        self.seen, self.acknowledged, self.runs = set(), 0, 0

    def path(self, name):
        return os.path.join(self.folder, f"{self.way}-{name}")

    def flags(self):
        if self.way == "stdin":
            return ["--ack", "stdin"]
        if self.way == "exec":
            return ["--exec", "cat"]
        if self.way == "coprocess":
            return ["--coprocess", f"tee -a '{self.taken()}' | sed -u 's/.*\"replayId\":\\([0-9]*\\).*/{{\"replayId\":\\1}}/'"]
        return []

    def delivered(self, listener, replay_id):
        """A line has come: with --ack stdin some are acknowledged."""
        if self.way == "stdin" and self.dice.random() < 0.3:
            self.acknowledged = max(self.acknowledged, replay_id)
            try:
                listener.process.stdin.write(f"{replay_id}\n".encode())
                listener.process.stdin.flush()
            except BrokenPipeError:
                pass  # it has ended: that is seen elsewhere

    def position(self):
        """Of the store, read from a copy as it was left; None: the event where it began is not known either."""
        copy = self.path("copy.db")
        for suffix in ("", "-wal"):
            if os.path.exists(self.store + suffix):
                shutil.copy(self.store + suffix, copy + suffix)
        database = sqlite3.connect(copy)
        rows = database.execute("SELECT position FROM record WHERE channel=?", (self.channel,)).fetchall()
        sound = database.execute("PRAGMA integrity_check").fetchall()
        database.close()
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(copy + suffix):
                os.unlink(copy + suffix)
        must(sound == [("ok",)], f"the store is damaged: {sound}")
        return rows[0][0] if rows else None

    def judge(self, numbers, position, what):
        """What one run has delivered, begun with this position in the store."""
        if not numbers:
            return
        first = 1 if position is None else self.source.number(position) + 1
        must(numbers[0] == first, f"{what}: began with {numbers[0]}, not {first} (position {position})")
        holes = [(a, b) for a, b in zip(numbers, numbers[1:]) if b != a + 1]
        must(not holes, f"{what}: not one after the other: {holes[:5]}")
        self.seen.update(numbers)

    def trust(self, position, what):
        """A position in the store is of an event that was delivered, and not of one that was not acknowledged."""
        if position is None:
            return
        must(self.source.number(position) in self.seen, f"{what}: the store has a position that was not delivered")
        if self.way == "stdin":
            must(position <= self.acknowledged, f"{what}: the store has a position that was not acknowledged")

    def taken(self):
        """What the coprocess of this run has been given; one that outlives its listener for a moment has a file of its own."""
        return self.path(f"taken-{self.runs}")

    def numbers_of(self, listener):
        numbers = listener.numbers
        if self.way == "coprocess" and os.path.exists(self.taken()):
            with open(self.taken(), encoding="utf-8") as file:
                numbers = [json.loads(line)["data"]["payload"]["Number__c"] for line in file if line.endswith("\n")]
        return numbers

    def run_killed(self, what):
        position = self.position() if os.path.exists(self.store) else None
        listener = Listener(self)
        wanted = self.dice.choice((0, 0, 1, 3, 10, 40))
        if wanted and self.way != "coprocess":
            listener.until(lambda: len(listener.numbers) >= wanted, what)
        listener.idle(self.dice.random() * self.dice.choice((0.005, 0.05, 0.5)))
        listener.kill()
        self.judge(self.numbers_of(listener), position, what)
        self.trust(self.position() if os.path.exists(self.store) else None, what)

    def run_to_the_end(self, what):
        """Until all that was emitted has come; then it ends in good order, with all acknowledged that it was told."""
        self.source.finish()
        position, last = self.position(), len(self.source.ids)
        listener = Listener(self, ("--until-idle", "3s"))
        status = listener.wait()
        must(status == 0, f"{what}: the last listener ended with {status}: {listener.said()}")
        self.judge(self.numbers_of(listener), position, what)
        missing = sorted(set(range(1, last + 1)) - self.seen)
        must(not missing, f"{what}: {len(missing)} of {last} events were not delivered: {missing[:10]}")

    def begin(self):
        """The first listener is there before the first event, and acknowledges one."""
        listener = Listener(self)
        listener.until(lambda: self.ready(listener), "the first event")
        listener.kill()
        self.judge(self.numbers_of(listener), None, "the first listener")
        self.source.start()

    def ready(self, listener):
        self.source.emit(1)
        return bool(listener.numbers) or os.path.exists(self.taken())


def of_kills(case, rounds):
    case.replay = "all" if not os.path.exists(case.store) else "stored"
    case.begin()
    case.replay = "stored"
    for number in range(rounds):
        case.run_killed(f"round {number}")
    case.run_to_the_end("the end")


def little_disk():
    import resource  # pylint: disable=import-outside-toplevel
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, 64 * 1024))  # the log's index alone has 32


def full(case, rounds):
    """A store that cannot grow: said in a line, ended, and what was stored is there when there is room again."""
    case.replay = "all"
    case.begin()
    case.replay = "stored"
    for number in range(max(1, rounds // 10)):
        position = case.position()
        listener = Listener(case, limit=little_disk)
        end = time.monotonic() + DEADLINE
        while listener.read(0.1):
            must(time.monotonic() < end, f"round {number}: the disk did not become full")
        status = listener.wait()
        must(status == 74, f"round {number}: ended with {status}, not 74: {listener.said()}")
        said = listener.said()
        must(case.store in said and "File too large" in said, f"round {number}: {said}")
        case.judge(listener.numbers, position, f"round {number}")
        case.trust(case.position(), f"round {number}")
        case.run_killed(f"round {number}, with room")
    case.run_to_the_end("the end")


def rubbish(case, rounds):
    """Rubbish instead of the store: refused, until it is moved away and all are asked for."""
    case.replay = "all"
    case.begin()
    for number in range(max(1, rounds // 20)):
        case.replay = "stored"
        case.run_killed(f"round {number}")
        for suffix in ("-wal", "-shm"):
            if os.path.exists(case.store + suffix):
                os.unlink(case.store + suffix)
        with open(case.store, "wb") as file:
            file.write(case.dice.randbytes(case.dice.choice((0, 1, 100, 5000))))
        listener = Listener(case)
        status = listener.wait()
        said = listener.said()
        must(status == 74 and not listener.numbers, f"round {number}: ended with {status}, not 74: {said}")
        must(case.store in said and "--replay all" in said, f"round {number}: {said}")
        os.unlink(case.store)
        case.replay = "all"
        case.seen.clear()
        listener = Listener(case)
        listener.until(lambda: len(listener.numbers) >= 5, f"round {number}, all again")  # pylint: disable=cell-var-from-loop
        listener.kill()
        case.judge(listener.numbers, None, f"round {number}, all again")
        case.replay = "stored"
    case.run_to_the_end("the end")


class Pair(Case):
    """Two listeners on one Redis server, of which one stands by."""

    def __init__(self, way, sandbox, folder, dice):
        super().__init__(way, sandbox, folder, dice)
        self.store, self.replay = os.environ["WEIR_SOAK_REDIS"], "all"
        self.least, self.two = 0, []

    def redis(self, *words):
        done = subprocess.run(["redis-cli", "-u", self.store, *words], capture_output=True, text=True, timeout=60, check=False)
        must(done.returncode == 0, f"redis-cli {words}: {done.stderr}")
        return done.stdout.strip()

    def key(self):
        keys = [key for key in self.redis("KEYS", "weir:*").split("\n") if key.endswith("}")]
        must(len(keys) == 1, f"keys: {keys}")
        return keys[0]

    def flags(self):
        return ["--standby"]

    def delivered(self, listener, replay_id):
        """Whoever delivers a number, the one before it was delivered before."""
        number = listener.numbers[-1]
        must(number == 1 or number - 1 in self.seen, f"{number} was delivered before {number - 1}")
        self.seen.add(number)

    def read(self):
        for listener in self.two:
            listener.read(0)

    def check(self):
        """The server's position never goes back, and is of an event that was delivered."""
        text = self.redis("HGET", self.key(), f"position {self.channel}")
        number = self.source.number(int(text)) if text else 0
        self.read()
        must(number >= self.least, f"the position went back from {self.least} to {number}")
        must(number == 0 or number in self.seen, f"the server has the position of {number}, which was not delivered")
        self.least = number

    def more(self, count, what, but=None):
        """Until so many more numbers have come that nobody had."""
        wanted, end = len(self.seen) + count, time.monotonic() + DEADLINE
        while len(self.seen) < wanted:
            for listener in self.two:
                if listener is not but and not listener.read(0.02):
                    raise Fault(f"{what}: a listener ended with {listener.wait()}: {listener.said()}")
            must(time.monotonic() < end, f"{what}: nothing came: {[listener.said() for listener in self.two]}")
        self.check()

    def owns(self, listener):
        return self.redis("HGET", self.key(), "owner").split()[2] == str(listener.process.pid)

    def kill_one(self):
        """Seven times in eight its lease ends as time would end it."""
        victim = self.two.pop(self.dice.randrange(2))
        victim.kill()
        self.check()
        if self.owns(victim) and self.dice.random() < 0.875:
            self.redis("DEL", f"{self.key()}:lease")
        self.two.append(Listener(self))

    def pause_one(self):
        """It sleeps for longer than its lease, another takes over, it wakes up: it finishes what it has in hand and ends. One
        that stood by goes on with that."""
        victim = self.dice.choice(self.two)
        os.kill(victim.process.pid, signal.SIGSTOP)
        owner = self.owns(victim)
        if owner:
            self.redis("DEL", f"{self.key()}:lease")
        self.more(5, "while one sleeps", but=victim)
        os.kill(victim.process.pid, signal.SIGCONT)
        if owner:
            status = victim.wait()
            must(status == 74, f"the one that slept ended with {status}: {victim.said()}")
            self.two = [listener for listener in self.two if listener is not victim] + [Listener(self)]


def redis(case, rounds):
    case.source.emit(5)
    case.two = [Listener(case), Listener(case)]
    case.more(1, "the first event")
    case.replay = "stored"
    case.source.start()
    for number in range(rounds):
        case.more(case.dice.choice((1, 3, 20)), f"round {number}")
        case.pause_one() if case.dice.random() < 0.3 else case.kill_one()
    case.source.finish()
    last, end = len(case.source.ids), time.monotonic() + DEADLINE
    while len(case.seen) < last and time.monotonic() < end:
        case.read()
    while case.two:
        case.two.pop().kill()
    case.check()
    must(len(case.seen) == last, f"{last - len(case.seen)} of {last} events were not delivered")


def one(way, rounds, dice, sandbox, folder):
    case = (Pair if way == "redis" else Case)(way, sandbox, folder, dice)
    {"full": full, "rubbish": rubbish, "redis": redis}.get(way, of_kills)(case, rounds)
    return len(case.source.ids)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    ways = sys.argv[3:] or WAYS
    print(f"seed {seed}", flush=True)
    failed = False
    with tempfile.TemporaryDirectory(prefix="weir-soak-") as folder:
        for way in ways:
            sandbox = Sandbox()
            try:
                events = one(way, max(1, rounds // len(ways)), random.Random(f"{seed} {way}"), sandbox, folder)
                print(f"ok {way}: {events} events", flush=True)
            except Fault as fault:
                failed = True
                print(f"FAIL {way}: {fault}; seed {seed}", flush=True)
            finally:
                end_all()
    sys.exit(failed)


if __name__ == "__main__":
    main()
