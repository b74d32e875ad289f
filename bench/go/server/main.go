// The server that every client of the benchmark talks to: grpc-go answering the gateway's own proto.
// It prints its port, and ends when its standard input does.
//
// Topology answers with one broker and one partition. StreamActivatedJobs sends as many jobs as the request's
// `timeout` says, each with 500 bytes of variables, and ends the stream.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"

	pb "weir/bench/gateway"
)

var topology = &pb.TopologyResponse{
	Brokers: []*pb.BrokerInfo{{
		NodeId: 0, Host: "127.0.0.1", Port: 26501, Version: "8.8.0",
		Partitions: []*pb.Partition{{PartitionId: 1}},
	}},
	ClusterSize: 1, PartitionsCount: 1, ReplicationFactor: 1, GatewayVersion: "8.8.0",
}

var job = &pb.ActivatedJob{
	Key: 2251799813685263, Type: "bench", ProcessInstanceKey: 2251799813685256, BpmnProcessId: "order-process",
	ProcessDefinitionVersion: 1, ProcessDefinitionKey: 2251799813685249, ElementId: "charge-card",
	ElementInstanceKey: 2251799813685262, CustomHeaders: "{}", Worker: "bench", Retries: 3, Deadline: 1700000000000,
	Variables: `{"orderId":"o-1","note":"` + strings.Repeat("x", 500-27) + `"}`, TenantId: "<default>",
}

type gateway struct {
	pb.UnimplementedGatewayServer
}

func (gateway) Topology(context.Context, *pb.TopologyRequest) (*pb.TopologyResponse, error) {
	return topology, nil
}

func (gateway) StreamActivatedJobs(r *pb.StreamActivatedJobsRequest, out grpc.ServerStreamingServer[pb.ActivatedJob]) error {
	for range r.Timeout {
		if err := out.Send(job); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := grpc.NewServer()
	pb.RegisterGatewayServer(server, gateway{})
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		server.Stop()
	}()
	_ = server.Serve(listener)
}
