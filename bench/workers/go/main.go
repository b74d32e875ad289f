// The Go client's worker: completes every job. Usage: worker MODE ADDRESS ACTIVE
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/camunda/zeebe/clients/go/v8/pkg/entities"
	"github.com/camunda/zeebe/clients/go/v8/pkg/worker"
	"github.com/camunda/zeebe/clients/go/v8/pkg/zbc"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go:", err)
		os.Exit(1)
	}
}

func complete(client worker.JobClient, job entities.Job) {
	_, err := client.NewCompleteJobCommand().JobKey(job.Key).Send(context.Background())
	check(err)
}

func main() {
	active, err := strconv.Atoi(os.Args[3])
	check(err)
	client, err := zbc.NewClient(&zbc.ClientConfig{GatewayAddress: os.Args[2], UsePlaintextConnection: true})
	check(err)
	client.NewJobWorker().JobType("bench").Handler(complete).MaxJobsActive(active).Timeout(time.Minute).Open().AwaitClose()
}
