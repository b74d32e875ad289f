"""aiosfstream: prints each event as a line of JSON, notes on standard error, and ends after COUNT of them.

Usage: aio.py CHANNEL FROM COUNT [FALLBACK|-] [SHELF]
"""
import asyncio
import json
import os
import shelve
import sys


def without_loop():
    """Since Python 3.10 nothing of asyncio takes `loop`, which aiocometd passes everywhere."""
    def drop(function):
        return lambda *a, loop=None, **k: function(*a, **k)

    for name in ("Semaphore", "Queue", "Event", "Lock", "Condition"):
        base = getattr(asyncio, name)

        def init(self, *a, loop=None, _base=base, **k):
            _base.__init__(self, *a, **k)

        setattr(asyncio, name, type(name, (base,), {"__init__": init}))
    for name in ("sleep", "wait_for", "wait", "gather"):
        setattr(asyncio, name, drop(getattr(asyncio, name)))


if sys.version_info >= (3, 10):
    without_loop()
import aiosfstream  # noqa: E402
import aiosfstream.auth  # noqa: E402
import aiosfstream.client  # noqa: E402

channel, start, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
fallback = sys.argv[4] if len(sys.argv) > 4 else "-"
env = os.environ
aiosfstream.auth.TOKEN_URL = env["SALESFORCE_LOGIN_URL"] + "/services/oauth2/token"
aiosfstream.client.API_VERSION = env.get("SALESFORCE_API_VERSION", "67.0")


class Fixed(aiosfstream.MappingStorage):
    """Where to start, and the newest position from then on."""

    async def get_replay_id(self, subscription):
        return await super().get_replay_id(subscription) or start


def storage():
    if len(sys.argv) > 5:
        return Fixed(shelve.open(sys.argv[5]))
    return aiosfstream.ReplayOption(start) if start == -2 else Fixed({})


async def listen():
    asyncio.get_event_loop().set_exception_handler(lambda loop, context: None)
    client = aiosfstream.SalesforceStreamingClient(
        consumer_key=env["SALESFORCE_CLIENT_ID"], consumer_secret=env["SALESFORCE_CLIENT_SECRET"],
        username=env["SALESFORCE_USERNAME"], password=env["SALESFORCE_PASSWORD"] + env.get("SALESFORCE_SECURITY_TOKEN", ""),
        replay=storage(), replay_fallback=None if fallback == "-" else aiosfstream.ReplayOption(int(fallback)))
    seen = 0
    async with client:
        await client.subscribe(channel)
        print("subscribed", file=sys.stderr, flush=True)
        async for message in client:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()
            seen += 1
            if seen == count:
                os._exit(0)


try:
    asyncio.get_event_loop_policy().get_event_loop().run_until_complete(listen())
except aiosfstream.exceptions.ServerError as failure:
    sys.exit("failed: %s %s" % (failure.error, failure.error_message))
except aiosfstream.exceptions.AiosfstreamException as failure:
    sys.exit("failed: %r" % failure)
