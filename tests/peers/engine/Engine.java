import io.camunda.zeebe.process.test.engine.EngineFactory;

public class Engine {
    public static void main(String[] args) throws Exception {
        EngineFactory.create(Integer.parseInt(args[0])).start();
        Thread.currentThread().join();
    }
}
