"""pyzeebe's worker: completes every job. Usage: worker.py MODE ADDRESS ACTIVE"""
import asyncio
import logging
import sys

from pyzeebe import ZeebeWorker, create_insecure_channel


async def main(mode, address, active):
    # With its default of 5 s it sleeps whenever as many jobs as it may have are running, and does six a second.
    worker = ZeebeWorker(create_insecure_channel(grpc_address=address), poll_retry_delay=0.01,
                         stream_enabled=mode == "stream")

    @worker.task(task_type="bench", timeout_ms=60000, max_jobs_to_activate=active, max_running_jobs=active)
    async def complete():
        return {}

    await worker.work()


logging.disable(logging.WARNING)  # a line for each poll it skips
asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
