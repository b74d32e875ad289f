// grpc-go as a client. Usage: client MODE ADDRESS IN_FLIGHT WARM_UP COUNT (docs/internals/bench.md).
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "weir/bench/gateway"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "grpc-go:", err)
		os.Exit(1)
	}
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	check(err)
	return n
}

func cpu() int64 {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}

func status(name string) string {
	text, err := os.ReadFile("/proc/self/status")
	check(err)
	for _, line := range strings.Split(string(text), "\n") {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			return strings.Fields(rest)[0]
		}
	}
	return "0"
}

func report(from, to, count int64) {
	fmt.Printf("%d %s %s\n", (to-from)/count, status("VmRSS"), status("Threads"))
}

func topology(stub pb.GatewayClient) {
	answer, err := stub.Topology(context.Background(), &pb.TopologyRequest{})
	check(err)
	if len(answer.Brokers) != 1 || answer.Brokers[0].Version != "8.8.0" {
		fmt.Fprintln(os.Stderr, "grpc-go: not the answer")
		os.Exit(1)
	}
}

// calls keeps inFlight calls under way; the CPU is taken when the warm-up ends and when the last one does.
func calls(stub pb.GatewayClient, inFlight int, warmUp, count int64) {
	var all sync.WaitGroup
	var started, done atomic.Int64
	var from, to atomic.Int64
	for range inFlight {
		all.Go(func() {
			for started.Add(1) <= warmUp+count {
				topology(stub)
				switch done.Add(1) {
				case warmUp:
					from.Store(cpu())
				case warmUp + count:
					to.Store(cpu())
				}
			}
		})
	}
	all.Wait()
	report(from.Load(), to.Load(), count)
}

func stream(stub pb.GatewayClient, warmUp, count int64) {
	var done, from, to int64
	jobs, err := stub.StreamActivatedJobs(context.Background(),
		&pb.StreamActivatedJobsRequest{Type: "bench", Worker: "bench", Timeout: warmUp + count})
	check(err)
	for {
		job, err := jobs.Recv()
		if err == io.EOF {
			break
		}
		check(err)
		if job.Retries != 3 {
			check(fmt.Errorf("not the job"))
		}
		switch done++; done {
		case warmUp:
			from = cpu()
		case warmUp + count:
			to = cpu()
		}
	}
	report(from, to, count)
}

func main() {
	connection, err := grpc.NewClient(os.Args[2], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(1<<20), grpc.WithInitialConnWindowSize(1<<24))
	check(err)
	stub := pb.NewGatewayClient(connection)
	switch os.Args[1] {
	case "calls":
		calls(stub, int(number(os.Args[3])), number(os.Args[4]), number(os.Args[5]))
	case "stream":
		stream(stub, number(os.Args[4]), number(os.Args[5]))
	case "first":
		topology(stub)
		fmt.Println("first")
	}
}
