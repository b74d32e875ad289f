"""grpc.aio as a client. Usage: client.py MODE ADDRESS IN_FLIGHT WARM_UP COUNT (docs/internals/bench.md)."""
import asyncio
import resource
import sys

import grpc

import gateway_pb2 as pb
import gateway_pb2_grpc as gateway


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def status(name):
    with open("/proc/self/status", encoding="ascii") as text:
        return next(line.split()[1] for line in text if line.startswith(name + ":"))


class Meter:
    """Counts what is done, and takes the time when the warm-up ends and when the last one does."""

    def __init__(self, warm_up, count):
        self.warm_up, self.count, self.started, self.done, self.since = warm_up, count, 0, 0, 0

    def more(self):
        self.started += 1
        return self.started <= self.warm_up + self.count

    def one(self):
        self.done += 1
        if self.done == self.warm_up:
            self.since = cpu()
        if self.done == self.warm_up + self.count:
            print(int((cpu() - self.since) * 1e9 / self.count), status("VmRSS"), status("Threads"), flush=True)


async def topology(stub):
    answer = await stub.Topology(pb.TopologyRequest())
    assert len(answer.brokers) == 1 and answer.brokers[0].version == "8.8.0"


async def calls(stub, meter):
    while meter.more():
        await topology(stub)
        meter.one()


async def stream(stub, meter):
    wanted = meter.warm_up + meter.count
    async for job in stub.StreamActivatedJobs(
            pb.StreamActivatedJobsRequest(type="bench", worker="bench", timeout=wanted)):
        assert job.retries == 3
        meter.one()
    assert meter.done == wanted


async def main(mode, address, in_flight, warm_up, count):
    async with grpc.aio.insecure_channel(address) as channel:
        stub = gateway.GatewayStub(channel)
        meter = Meter(int(warm_up), int(count))
        if mode == "calls":
            await asyncio.gather(*(calls(stub, meter) for _ in range(int(in_flight))))
        elif mode == "stream":
            await stream(stub, meter)
        else:
            await topology(stub)
            print("first", flush=True)


asyncio.run(main(*sys.argv[1:]))
