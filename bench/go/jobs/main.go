// The gateway for workers: hands out jobs, counts what comes back, and says what the worker used for it.
//
// Usage: jobs poll|stream ACTIVE LEAST MOST COMMAND...
// Starts the worker COMMAND, in which @address is replaced by where the gateway listens, and ends it after the last mark.
//
//	poll    ActivateJobs answers at once with as many jobs as it is asked for; no streams (UNIMPLEMENTED)
//	stream  StreamActivatedJobs pushes jobs as long as fewer than ACTIVE are in hand; ActivateJobs finds none
//
// Between two marks it measures. The warm-up ends after MOST milliseconds, or after 2 x LEAST jobs if that took at least
// a third of them; the measuring after MOST milliseconds more, or 3 x LEAST jobs. Prints one line:
//
//	CPU_NS_EACH JOBS_A_SECOND RSS_KB THREADS P50_US P99_US FIRST_MS GATEWAY_NS_EACH
//
// CPU is that of the worker and all its descendants, read from their CPU clocks at the two marks; memory and threads
// are theirs at the second one. The P_US are from handing a job out to the arrival of its completion. FIRST_MS: from
// the start of the worker to its first request for jobs.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // some clients compress their requests
	"google.golang.org/grpc/status"

	pb "weir/bench/gateway"
)

const (
	firstKey    = int64(2251799813685249)
	longPoll    = 10 * time.Second
	giveUpAfter = 30 * time.Second
)

type gateway struct {
	pb.UnimplementedGatewayServer
	streaming bool
	free      chan struct{} // one for each job that may be pushed
	asked     sync.Once
	firstAsk  chan time.Time
	book      book
}

func (g *gateway) Topology(context.Context, *pb.TopologyRequest) (*pb.TopologyResponse, error) {
	return &pb.TopologyResponse{
		Brokers: []*pb.BrokerInfo{{Host: "127.0.0.1", Port: 26501, Version: "8.8.0",
			Partitions: []*pb.Partition{{PartitionId: 1}}}},
		ClusterSize: 1, PartitionsCount: 1, ReplicationFactor: 1, GatewayVersion: "8.8.0",
	}, nil
}

func (g *gateway) someoneAsked() {
	g.asked.Do(func() { g.firstAsk <- time.Now() })
}

func (g *gateway) ActivateJobs(r *pb.ActivateJobsRequest, out grpc.ServerStreamingServer[pb.ActivateJobsResponse]) error {
	g.someoneAsked()
	if g.streaming {
		return noJobs(out.Context(), time.Duration(r.RequestTimeout)*time.Millisecond)
	}
	jobs := make([]*pb.ActivatedJob, max(r.MaxJobsToActivate, 0))
	lock := time.Duration(r.Timeout) * time.Millisecond
	for i, key := range g.book.handOut(len(jobs)) {
		jobs[i] = newJob(key, r.Type, r.Worker, lock)
	}
	return out.Send(&pb.ActivateJobsResponse{Jobs: jobs})
}

// noJobs is a long poll that finds nothing.
func noJobs(ctx context.Context, wait time.Duration) error {
	if wait == 0 {
		wait = longPoll
	}
	select {
	case <-ctx.Done():
	case <-time.After(max(wait, 100*time.Millisecond)):
	}
	return nil
}

func (g *gateway) StreamActivatedJobs(r *pb.StreamActivatedJobsRequest, out grpc.ServerStreamingServer[pb.ActivatedJob]) error {
	if !g.streaming {
		return status.Error(codes.Unimplemented, "no streams in this run")
	}
	g.someoneAsked()
	lock := time.Duration(r.Timeout) * time.Millisecond
	for {
		select {
		case <-out.Context().Done():
			return nil
		case <-g.free:
			key := g.book.handOut(1)[0]
			if err := out.Send(newJob(key, r.Type, r.Worker, lock)); err != nil {
				return err
			}
		}
	}
}

func (g *gateway) CompleteJob(_ context.Context, r *pb.CompleteJobRequest) (*pb.CompleteJobResponse, error) {
	if !g.book.complete(r.JobKey) {
		return nil, status.Errorf(codes.NotFound, "Command 'COMPLETE' rejected: no job with key '%d'", r.JobKey)
	}
	if g.streaming {
		g.free <- struct{}{}
	}
	return &pb.CompleteJobResponse{}, nil
}

func (g *gateway) FailJob(_ context.Context, r *pb.FailJobRequest) (*pb.FailJobResponse, error) {
	fail("the worker failed a job: " + r.ErrorMessage)
	return nil, nil
}

func newJob(key int64, kind, worker string, lock time.Duration) *pb.ActivatedJob {
	return &pb.ActivatedJob{
		Key: key, Type: kind, ProcessInstanceKey: key - 7, BpmnProcessId: "order-process", ProcessDefinitionVersion: 1,
		ProcessDefinitionKey: 2251799813685248, ElementId: "charge-card", ElementInstanceKey: key - 1,
		CustomHeaders: "{}", Worker: worker, Retries: 3, Deadline: time.Now().Add(lock).UnixMilli(),
		Variables: variables, TenantId: "<default>",
	}
}

var variables = `{"orderId":"o-1","amount":1999,"items":[{"sku":"a-1","n":2},{"sku":"b-7","n":1}],"note":"` +
	strings.Repeat("x", 1000-91) + `"}`

// Answers are plain, as the real gateway's are, also to a client that compresses.
func plainUnary(ctx context.Context, r any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	_ = grpc.SetSendCompressor(ctx, "identity")
	return next(ctx, r)
}

func plainStream(server any, out grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	_ = grpc.SetSendCompressor(out.Context(), "identity")
	return next(server, out)
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, "jobs:", why)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	check(err)
	return n
}

// startWorker gives it a process group of its own and a standard input that stays open.
func startWorker(command []string, address string) *exec.Cmd {
	for i := range command {
		command[i] = strings.ReplaceAll(command[i], "@address", address)
	}
	worker := exec.Command(command[0], command[1:]...)
	worker.Stdout, worker.Stderr = os.Stderr, os.Stderr
	worker.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	_, err := worker.StdinPipe()
	check(err)
	check(worker.Start())
	return worker
}

func main() {
	if len(os.Args) < 6 {
		fail("usage: jobs poll|stream ACTIVE LEAST MOST COMMAND...")
	}
	runtime.GOMAXPROCS(1) // leaves a machine of two cores one for the worker
	active := number(os.Args[2])
	g := &gateway{streaming: os.Args[1] == "stream", free: make(chan struct{}, active), firstAsk: make(chan time.Time, 1)}
	for range active {
		g.free <- struct{}{}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := grpc.NewServer(grpc.UnaryInterceptor(plainUnary), grpc.StreamInterceptor(plainStream),
		grpc.InitialWindowSize(1<<20), grpc.InitialConnWindowSize(1<<20), grpc.NumStreamWorkers(8))
	pb.RegisterGatewayServer(server, g)
	go func() { check(server.Serve(listener)) }()
	started := time.Now()
	worker := startWorker(os.Args[5:], listener.Addr().String())
	g.book.begin(worker.Process.Pid, number(os.Args[3]), time.Duration(number(os.Args[4]))*time.Millisecond)
	over := make(chan error, 1)
	go func() { over <- worker.Wait() }()
	defer end(worker.Process.Pid)
	select {
	case <-g.book.over:
		fmt.Println(g.book.report(), (<-g.firstAsk).Sub(started).Milliseconds(), g.book.gatewayEach())
	case err = <-over:
		fmt.Fprintln(os.Stderr, "jobs: the worker ended:", err)
		defer os.Exit(1)
	case <-time.After(giveUpAfter):
		fmt.Fprintln(os.Stderr, "jobs: too slow:", g.book.done, "jobs")
		defer os.Exit(1)
	}
}
