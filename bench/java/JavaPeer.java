import java.io.BufferedOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * The official client's push consumer behind the command line of `rocketcat consume`, so far as measurements need it.
 * The listener counts, and nothing else. Everything that is not told by a flag stays as the client has it.
 *
 * <p>The result line has more than the contract asks: `steady_messages` and `steady_cpu_s` are what came, and the
 * process's CPU time, after a fifth of `--count` (by then most is compiled), `start_to_first_s` is the time from
 * `start()` to the first listener call.
 */
public final class JavaPeer {
    private static final Set<String> FLAGS = Set.of(
            "--namesrv", "--group", "--topic", "--from", "--threads", "--consume-batch", "--pull-batch", "--count",
            "--idle-s", "--duration-s", "--output", "--latency-file", "--instance");

    private final PrintStream out;
    private final Map<String, String> flags;
    private final com.sun.management.OperatingSystemMXBean system =
            (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final long count;
    private final boolean printLines;
    private final OutputStream latencies;

    private final AtomicLong consumed = new AtomicLong();
    private final LongAdder bytes = new LongAdder();
    private final AtomicLong first = new AtomicLong();
    private volatile long last;
    private final AtomicBoolean warm = new AtomicBoolean();
    private volatile long warmMessages;
    private volatile long warmCpu;
    private final CountDownLatch enough = new CountDownLatch(1);
    private final CountDownLatch finished = new CountDownLatch(1);

    private JavaPeer(PrintStream out, Map<String, String> flags) throws Exception {
        this.out = out;
        this.flags = flags;
        count = Long.parseLong(flags.getOrDefault("--count", "0"));
        printLines = flags.getOrDefault("--output", "json").equals("json");
        String file = flags.get("--latency-file");
        latencies = file == null ? null : new BufferedOutputStream(Files.newOutputStream(Path.of(file)));
    }

    public static void main(String[] arguments) throws Exception {
        // The client logs to standard output in some set-ups; only our lines may appear there.
        PrintStream lines = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err);
        Map<String, String> flags = new HashMap<>();
        for (int i = 0; i < arguments.length; i += 2) {
            if (!FLAGS.contains(arguments[i]) || i + 1 == arguments.length) {
                System.err.println("JavaPeer: " + arguments[i] + ": unknown, or its value is missing");
                System.exit(2);
            }
            flags.put(arguments[i], arguments[i + 1]);
        }
        for (String needed : List.of("--namesrv", "--group", "--topic")) {
            if (!flags.containsKey(needed)) {
                System.err.println("JavaPeer: " + needed + " is needed");
                System.exit(2);
            }
        }
        try {
            new JavaPeer(lines, flags).run();
        } catch (Exception problem) {
            System.err.println("JavaPeer: " + problem);
            Runtime.getRuntime().halt(1);
        }
        System.exit(0);
    }

    private void run() throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(flags.get("--group"));
        consumer.setNamesrvAddr(flags.get("--namesrv"));
        consumer.setInstanceName(flags.getOrDefault("--instance", "peer-" + ProcessHandle.current().pid()));
        consumer.setConsumeFromWhere(flags.getOrDefault("--from", "last").equals("first")
                ? ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET
                : ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
        int threads = Integer.parseInt(flags.getOrDefault("--threads", "20"));
        consumer.setConsumeThreadMin(threads);
        consumer.setConsumeThreadMax(threads);
        consumer.setConsumeMessageBatchMaxSize(Integer.parseInt(flags.getOrDefault("--consume-batch", "1")));
        consumer.setPullBatchSize(Integer.parseInt(flags.getOrDefault("--pull-batch", "32")));
        String[] topic = flags.get("--topic").split("=", 2);
        consumer.subscribe(topic[0], topic.length == 2 ? topic[1] : "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> take(messages));

        // SIGTERM and SIGINT end it as the contract wants it: in order, and with 0.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            enough.countDown();
            try {
                finished.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException ignored) {
                // ends anyway
            }
            Runtime.getRuntime().halt(finished.getCount() == 0 ? 0 : 1);
        }));

        long began = System.nanoTime();
        consumer.start();
        out.println("{\"event\":\"started\"}");
        await(began);
        consumer.shutdown();
        report(began);
        finished.countDown();
    }

    private void await(long began) throws InterruptedException {
        long duration = seconds("--duration-s");
        long idle = seconds("--idle-s");
        if (duration == 0 && idle == 0) {
            enough.await();
            return;
        }
        long deadline = duration == 0 ? Long.MAX_VALUE : began + duration;
        long seen = 0;
        long news = System.nanoTime();
        // Wakes seldom: an idle consumer's cost is measured.
        long step = idle == 0 ? Long.MAX_VALUE : Math.max(idle / 4, 50_000_000L);
        while (true) {
            long now = System.nanoTime();
            if (consumed.get() != seen) {
                seen = consumed.get();
                news = now;
            }
            if (now >= deadline || (idle != 0 && now - news >= idle)
                    || enough.await(Math.min(step, deadline - now), TimeUnit.NANOSECONDS)) {
                return;
            }
        }
    }

    private long seconds(String flag) {
        return (long) (Double.parseDouble(flags.getOrDefault(flag, "0")) * 1e9);
    }

    private ConsumeConcurrentlyStatus take(List<MessageExt> messages) {
        long now = System.nanoTime();
        if (first.get() == 0) {
            first.compareAndSet(0, now);
        }
        last = now;
        if (latencies != null) {
            recordLatency(messages);
        }
        if (printLines) {
            print(messages);
        }
        long size = 0;
        for (MessageExt message : messages) {
            size += message.getBody().length;
        }
        bytes.add(size);
        long done = consumed.addAndGet(messages.size());
        if (count != 0 && done >= count / 5 && !warm.get() && warm.compareAndSet(false, true)) {
            warmCpu = system.getProcessCpuTime();
            warmMessages = done;
        }
        if (count != 0 && done >= count) {
            enough.countDown();
        }
        return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    }

    private void recordLatency(List<MessageExt> messages) {
        ByteBuffer taken = ByteBuffer.allocate(8 * messages.size()).order(ByteOrder.LITTLE_ENDIAN);
        for (MessageExt message : messages) {
            if (message.getBody().length >= 8) {
                Instant now = Instant.now();
                long stamp = ByteBuffer.wrap(message.getBody()).getLong();
                taken.putLong(now.getEpochSecond() * 1_000_000_000L + now.getNano() - stamp);
            }
        }
        synchronized (latencies) {
            try {
                latencies.write(taken.array(), 0, taken.position());
            } catch (java.io.IOException problem) {
                throw new java.io.UncheckedIOException(problem);
            }
        }
    }

    private void print(List<MessageExt> messages) {
        StringBuilder lines = new StringBuilder();
        for (MessageExt message : messages) {
            lines.append("{\"event\":\"message\",\"topic\":\"").append(message.getTopic())
                    .append("\",\"queueId\":").append(message.getQueueId())
                    .append(",\"queueOffset\":").append(message.getQueueOffset()).append("}\n");
        }
        synchronized (out) {
            out.print(lines);
            out.flush();
        }
    }

    private void report(long began) throws Exception {
        if (latencies != null) {
            latencies.close();
        }
        if (printLines) {
            out.printf("{\"event\":\"stopped\",\"consumed\":%d}%n", consumed.get());
            return;
        }
        // user and system time of this process, in ticks of 10 ms, behind the program's name.
        String status = Files.readString(Path.of("/proc/self/stat"));
        String[] fields = status.substring(status.lastIndexOf(')') + 2).split(" ");
        double user = Long.parseLong(fields[11]) / 100.0;
        double kernel = Long.parseLong(fields[12]) / 100.0;
        long peak = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                .findFirst().orElse(0);
        long all = consumed.get();
        StringBuilder more = new StringBuilder();
        if (first.get() != 0) {
            more.append(String.format(Locale.ROOT, ",\"start_to_first_s\":%.6f", (first.get() - began) / 1e9));
        }
        if (warm.get()) {
            more.append(String.format(Locale.ROOT, ",\"steady_messages\":%d,\"steady_cpu_s\":%.6f", all - warmMessages,
                    (system.getProcessCpuTime() - warmCpu) / 1e9));
        }
        out.printf(Locale.ROOT, "{\"event\":\"stopped\",\"consumed\":%d,\"bytes\":%d,\"first_to_last_s\":%.6f,\"cpu_user_s\":%.6f,"
                        + "\"cpu_sys_s\":%.6f,\"maxrss_kb\":%d%s}%n",
                all, bytes.sum(), first.get() == 0 ? 0.0 : (last - first.get()) / 1e9, user, kernel, peak, more);
    }
}
