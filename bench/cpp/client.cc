// gRPC C-core through its C++ API. Usage: client MODE ADDRESS IN_FLIGHT WARM_UP COUNT (docs/internals/bench.md).
#include <grpcpp/grpcpp.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "gateway.grpc.pb.h"

namespace pb = gateway_protocol;

static void need(bool ok, const std::string &what)
{
    if (ok)
        return;
    std::fprintf(stderr, "grpc c++: %s\n", what.c_str());
    std::exit(1);
}

static long long cpu()
{
    rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000LL + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000LL;
}

static std::string status(const std::string &name)
{
    std::ifstream text("/proc/self/status");
    std::string word, value;
    while (text >> word) {
        if (word == name + ":" && text >> value)
            return value;
    }
    return "0";
}

// Counts what is done, and takes the time when the warm-up ends and when the last one does.
struct meter {
    long long warm_up, count, done = 0, from = 0;
    void one()
    {
        if (++done == warm_up)
            from = cpu();
        if (done == warm_up + count)
            std::printf("%lld %s %s\n", (cpu() - from) / count, status("VmRSS").c_str(), status("Threads").c_str());
    }
};

static void check(const grpc::Status &status, const pb::TopologyResponse &answer)
{
    need(status.ok(), status.error_message());
    need(answer.brokers_size() == 1 && answer.brokers(0).version() == "8.8.0", "not the answer");
}

static void blocking(pb::Gateway::Stub &stub, meter m)
{
    while (m.done < m.warm_up + m.count) {
        grpc::ClientContext context;
        pb::TopologyResponse answer;
        grpc::Status status = stub.Topology(&context, pb::TopologyRequest(), &answer);
        check(status, answer);
        m.one();
    }
}

struct call {
    grpc::ClientContext context;
    pb::TopologyResponse answer;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<pb::TopologyResponse>> reader;
    call(pb::Gateway::Stub &stub, grpc::CompletionQueue &queue)
        : reader(stub.AsyncTopology(&context, pb::TopologyRequest(), &queue))
    {
        reader->Finish(&answer, &status, this);
    }
};

static void asynchronous(pb::Gateway::Stub &stub, meter m, int in_flight)
{
    grpc::CompletionQueue queue;
    long long started = 0;
    void *tag;
    bool ok;
    for (; started < in_flight; started++)
        new call(stub, queue);
    while (m.done < m.warm_up + m.count && queue.Next(&tag, &ok)) {
        std::unique_ptr<call> over(static_cast<call *>(tag));
        check(over->status, over->answer);
        m.one();
        if (started++ < m.warm_up + m.count)
            new call(stub, queue);
    }
}

static void stream(pb::Gateway::Stub &stub, meter m)
{
    grpc::ClientContext context;
    pb::StreamActivatedJobsRequest request;
    pb::ActivatedJob job;
    request.set_type("bench");
    request.set_worker("bench");
    request.set_timeout(m.warm_up + m.count);
    auto jobs = stub.StreamActivatedJobs(&context, request);
    while (jobs->Read(&job)) {
        need(job.retries() == 3, "not the job");
        m.one();
    }
    need(jobs->Finish().ok() && m.done == m.warm_up + m.count, "the stream was cut short");
}

static void first(pb::Gateway::Stub &stub)
{
    grpc::ClientContext context;
    pb::TopologyResponse answer;
    grpc::Status status = stub.Topology(&context, pb::TopologyRequest(), &answer);
    check(status, answer);
    std::puts("first");
    std::fflush(stdout);
}

int main(int argc, char **argv)
{
    need(argc == 6, "five arguments");
    std::string mode = argv[1];
    int in_flight = std::atoi(argv[3]);
    meter m = {std::atoll(argv[4]), std::atoll(argv[5])};
    auto channel = grpc::CreateChannel(argv[2], grpc::InsecureChannelCredentials());
    auto stub = pb::Gateway::NewStub(channel);
    if (mode == "first")
        first(*stub);
    else if (mode == "stream")
        stream(*stub, m);
    else if (in_flight == 1)
        blocking(*stub, m);
    else
        asynchronous(*stub, m, in_flight);
}
