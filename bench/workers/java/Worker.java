import io.camunda.zeebe.client.ZeebeClient;
import java.time.Duration;

/** The Java client's worker: completes every job. Usage: Worker MODE ADDRESS ACTIVE */
final class Worker {
    public static void main(String[] args) throws InterruptedException {
        var client = ZeebeClient.newClientBuilder().gatewayAddress(args[1]).usePlaintext()
            .numJobWorkerExecutionThreads(2).build();
        client.newWorker().jobType("bench")
            .handler((jobs, job) -> jobs.newCompleteCommand(job.getKey()).send())
            .maxJobsActive(Integer.parseInt(args[2])).timeout(Duration.ofMinutes(1))
            .streamEnabled(args[0].equals("stream")).open();
        Thread.currentThread().join();
    }
}
