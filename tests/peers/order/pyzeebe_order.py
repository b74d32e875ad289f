"""The order process by pyzeebe alone: its worker and its client. pyzeebe_order.py ADDRESS RUNNER

Prints the variables of each order when it has ended, as a JSON line: CARD VARIABLES.
"""
import asyncio
import json
import sys

import handler
from pyzeebe import Job, ZeebeClient, ZeebeWorker, create_insecure_channel

ADDRESS, RUNNER = sys.argv[1:3]


class Refused(Exception):
    def __init__(self, what):
        super().__init__(what["errorMessage"])
        self.what = what


async def handle(job: Job):
    what = handler.outcome(job.type, job.retries, job.variables, job.custom_headers)
    if "complete" not in what:
        raise Refused(what.get("fail") or what["throw"])
    return what["complete"]


async def settle(error, job, controller):
    if not isinstance(error, Refused):
        raise error
    if "errorCode" in error.what:
        await controller.set_error_status(str(error), error.what["errorCode"], error.what["variables"])
    else:
        await controller.set_failure_status(str(error), retry_back_off_ms=100)


def worker_on(channel):
    worker = ZeebeWorker(channel, poll_retry_delay=1, request_timeout=1000)
    for kind in ("order-reserve", "order-charge", "order-ship"):
        worker.task(task_type=kind, exception_handler=settle)(handle)
    return worker


async def order(client, card):
    name = f"{RUNNER}-{card}"
    await client.publish_message("order-paid", name, {"paid": True}, time_to_live_in_milliseconds=60000)
    result = await client.run_process_with_result("order", {"order": name, "card": card, "items": 3}, timeout=60000)
    print(card, json.dumps(result.variables), flush=True)


async def main():
    channel = create_insecure_channel(grpc_address=ADDRESS)
    client, worker = ZeebeClient(channel), worker_on(channel)
    working = asyncio.create_task(worker.work())
    await asyncio.gather(order(client, "good"), order(client, "bad"))
    await worker.stop()
    working.cancel()


asyncio.run(asyncio.wait_for(main(), 90))
