import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageClientIDSetter;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.RPCHook;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * The official Java client at the end of a pipe: one JVM for a whole test run. Commands come as lines on standard
 * input; every command is answered by one line of JSON with "reply", and what happens meanwhile comes as lines with
 * "event". ../README.md has the list.
 *
 * Types that moved between 4.9 and 5.x (ConsumeStats, ConsumerConnection, ...) are only met through `var`, so this file
 * compiles against both.
 */
public final class Helper {
    private static final int BODY_PREFIX = 256;

    private final PrintStream out;
    private final String nameServer;
    /** Signs what its clients ask, where the cluster wants to know who they are; null: it does not. */
    private static final RPCHook KEYS = System.getProperty("helper.accessKey") == null ? null
        : new AclClientRPCHook(new SessionCredentials(System.getProperty("helper.accessKey"), System.getProperty("helper.secretKey")));

    private final DefaultMQAdminExt admin = new DefaultMQAdminExt(KEYS);
    private final Map<String, DefaultMQProducer> producers = new HashMap<>();
    private final Map<String, DefaultMQPushConsumer> members = new HashMap<>();
    private final Map<String, Long> nextSequence = new HashMap<>();

    private Helper(PrintStream out, String nameServer) {
        this.out = out;
        this.nameServer = nameServer;
    }

    public static void main(String[] arguments) throws Exception {
        // The client logs to standard output in some set-ups; only our lines may appear there.
        PrintStream lines = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        System.setOut(System.err);
        new Helper(lines, arguments[0]).run();
        System.exit(0);
    }

    private void run() throws Exception {
        admin.setNamesrvAddr(nameServer);
        admin.setInstanceName("helper-admin-" + ProcessHandle.current().pid());
        admin.start();
        print(json("event", "ready", "namesrv", nameServer));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.trim().split("\\s+");
            if (words[0].isEmpty()) {
                continue;
            }
            Map<String, Object> answer = json("reply", words[0], "ok", true);
            try {
                if (words[0].equals("quit")) {
                    break;
                }
                answer.putAll(execute(words));
            } catch (Throwable problem) {
                answer = json("reply", words[0], "ok", false, "error", problem.toString());
            }
            print(answer);
        }
        members.values().forEach(DefaultMQPushConsumer::shutdown);
        producers.values().forEach(DefaultMQProducer::shutdown);
        admin.shutdown();
        print(json("reply", "quit", "ok", true));
    }

    private Map<String, Object> execute(String[] words) throws Exception {
        List<String> plain = new ArrayList<>();
        Map<String, String> options = new LinkedHashMap<>();
        for (String word : Arrays.asList(words).subList(1, words.length)) {
            int at = word.indexOf('=');
            if (at > 0) {
                options.put(word.substring(0, at), word.substring(at + 1));
            } else {
                plain.add(word);
            }
        }
        switch (words[0]) {
            case "create-topic":
                return createTopic(plain.get(0), Integer.parseInt(plain.get(1)), options.get("type"));
            case "send":
                return send(plain.get(0), Integer.parseInt(plain.get(1)), options);
            case "join":
                return join(plain.get(0), plain.get(1), options);
            case "leave":
                return leave(plain.get(0), options);
            case "offsets":
                return offsets(plain.get(0), plain.get(1));
            case "max-offset":
                return queueLimits(plain.get(0));
            case "consumer-connection":
                return consumerConnection(plain.get(0));
            case "running-info":
                return runningInfo(plain.get(0), plain.get(1));
            case "consume-mode":
                return consumeMode(plain.get(0), plain.get(1), plain.get(2), options);
            case "reset-offset":
                return resetOffset(plain.get(0), plain.get(1), Long.parseLong(plain.get(2)));
            case "delete-topic":
                return deleteTopic(plain.get(0));
            case "mqadmin":
                return runAdminTool(plain);
            case "view":
                return json("message", describe(viewMessage(plain.get(0), plain.get(1))));
            case "kill":
                // As a crash: no unregistering, no last offsets.
                Runtime.getRuntime().halt(137);
                return Map.of();
            default:
                throw new IllegalArgumentException("unknown command");
        }
    }

    private Map<String, Object> createTopic(String topic, int queues, String type) throws Exception {
        for (var broker : admin.examineBrokerClusterInfo().getBrokerAddrTable().values()) {
            admin.createAndUpdateTopicConfig(broker.selectBrokerAddr(), topicConfig(topic, queues, type));
        }
        // The broker tells the name server at once, but not before it has answered us.
        for (int attempt = 0; ; ++attempt) {
            try {
                return json("topic", topic, "queues", queuesOf(topic).size());
            } catch (Exception notYet) {
                if (attempt == 100) {
                    throw notYet;
                }
            }
            Thread.sleep(100);
        }
    }

    private static TopicConfig topicConfig(String topic, int queues, String type) throws Exception {
        TopicConfig config = new TopicConfig(topic);
        if (type != null) {
            // 4.9 has no such method.
            TopicConfig.class.getMethod("setAttributes", Map.class).invoke(config, Map.of("+queue.type", type));
        }
        config.setReadQueueNums(queues);
        config.setWriteQueueNums(queues);
        return config;
    }

    private List<MessageQueue> queuesOf(String topic) throws Exception {
        var route = admin.examineTopicRouteInfo(topic);
        if (isStatic(route)) {
            List<MessageQueue> logical = new ArrayList<>(producer("zlib").fetchPublishMessageQueues(topic));
            logical.sort(Comparator.naturalOrder());
            return logical;
        }
        List<MessageQueue> queues = new ArrayList<>();
        for (var broker : route.getQueueDatas()) {
            for (int id = 0; id < broker.getReadQueueNums(); ++id) {
                queues.add(new MessageQueue(topic, broker.getBrokerName(), id));
            }
        }
        queues.sort(Comparator.naturalOrder());
        return queues;
    }

    /** Whether a route is a static topic's, whose queues are known by ids of the whole topic. 4.9 has none. */
    private static boolean isStatic(Object route) throws Exception {
        try {
            var mappings = (Map<?, ?>) route.getClass().getMethod("getTopicQueueMappingByBroker").invoke(route);
            return mappings != null && !mappings.isEmpty();
        } catch (NoSuchMethodException old) {
            return false;
        }
    }

    /** The words of an mqadmin call, and what it printed. Its failures go to the helper's error output. */
    private Map<String, Object> runAdminTool(List<String> words) {
        List<String> all = new ArrayList<>(words);
        all.add("-n");
        all.add(nameServer);
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            org.apache.rocketmq.tools.command.MQAdminStartup.main(all.toArray(new String[0]));
        } finally {
            System.setOut(System.err);
        }
        return json("command", words.get(0), "printed", printed.toString(StandardCharsets.UTF_8));
    }

    /** One producer for each compression: the client reads it once, when the producer is made. */
    private DefaultMQProducer producer(String compression) throws Exception {
        DefaultMQProducer producer = producers.get(compression);
        if (producer == null) {
            System.setProperty("rocketmq.message.compressType", compression.toUpperCase());
            producer = new DefaultMQProducer("helper-producer-" + compression, KEYS);
            producer.setNamesrvAddr(nameServer);
            producer.setInstanceName("helper-" + compression + "-" + ProcessHandle.current().pid());
            producer.setSendMsgTimeout(10_000);
            producer.start();
            producers.put(compression, producer);
        }
        return producer;
    }

    private Map<String, Object> send(String topic, int count, Map<String, String> options) throws Exception {
        DefaultMQProducer producer = producer(options.getOrDefault("compress", "zlib"));
        int size = Integer.parseInt(options.getOrDefault("size", "0"));
        int batch = Integer.parseInt(options.getOrDefault("batch", "1"));
        int delayLevel = Integer.parseInt(options.getOrDefault("delay", "0"));
        String[] tags = options.containsKey("tags") ? options.get("tags").split(",") : new String[0];
        long first = options.containsKey("from")
            ? Long.parseLong(options.get("from")) : nextSequence.getOrDefault(topic, 0L);
        List<MessageQueue> queues = queuesOf(topic);
        List<Object> sent = new ArrayList<>();
        List<Message> pending = new ArrayList<>();
        long next = first;
        for (int round = 0; next < first + count; ++round) {
            pending.clear();
            while (pending.size() < batch && next < first + count) {
                Message message = new Message(topic, body(next, size));
                message.setKeys(topic + "-" + next);
                if (tags.length > 0) {
                    message.setTags(tags[(int) (next % tags.length)]);
                }
                if (delayLevel > 0) {
                    message.setDelayTimeLevel(delayLevel);
                }
                options.forEach((name, value) -> {
                    if (name.startsWith("property.")) {
                        message.putUserProperty(name.substring("property.".length()), value);
                    }
                });
                pending.add(message);
                ++next;
            }
            // In turn, so that a test knows how many each queue has.
            MessageQueue queue = options.containsKey("queue")
                ? queues.get(Integer.parseInt(options.get("queue"))) : queues.get(round % queues.size());
            SendResult result = options.containsKey("batch") ? producer.send(pending, queue) : producer.send(pending.get(0), queue);
            if (result.getSendStatus() != SendStatus.SEND_OK) {
                throw new IllegalStateException("the broker answered " + result.getSendStatus());
            }
            if (options.containsKey("ids")) {
                sent.add(json("msgId", result.getMsgId(), "offsetMsgId", result.getOffsetMsgId(),
                    "queueId", queue.getQueueId(), "queueOffset", result.getQueueOffset()));
            }
        }
        nextSequence.put(topic, next);
        Map<String, Object> answer = json("topic", topic, "sent", count, "first", first);
        if (!sent.isEmpty()) {
            answer.put("messages", sent);
        }
        return answer;
    }

    /** "17" or, filled up to `size` bytes, "17 abcdefg...": well compressible, and still told apart. */
    private static byte[] body(long sequence, int size) {
        StringBuilder text = new StringBuilder().append(sequence);
        if (text.length() < size) {
            text.append(' ');
        }
        for (int index = 0; text.length() < size; ++index) {
            text.append((char) ('a' + index % 26));
        }
        return text.toString().getBytes(StandardCharsets.US_ASCII);
    }

    private Map<String, Object> join(String group, String topic, Map<String, String> options) throws Exception {
        String member = options.getOrDefault("name", "member-" + members.size());
        if (members.containsKey(member)) {
            throw new IllegalArgumentException("a member of this name is here already");
        }
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group, KEYS, new AllocateMessageQueueAveragely());
        consumer.setNamesrvAddr(nameServer);
        consumer.setNamespace(options.get("namespace"));
        if (options.getOrDefault("model", "clustering").equals("broadcasting")) {
            // The enumeration moved between 4.9 and 5.x.
            var model = consumer.getMessageModel();
            consumer.setMessageModel(Enum.valueOf(model.getDeclaringClass(), "BROADCASTING"));
            keepOffsetsIn(options.get("offset-dir"));
            if (options.containsKey("instance")) {
                consumer.setInstanceName(options.get("instance"));
            }
        } else {
            consumer.setInstanceName(member + "-" + ProcessHandle.current().pid());
        }
        // By default 30 s, and a group's first retries wait for it: the retry topic is new.
        consumer.setPollNameServerInterval(1_000);
        // By default 30 s too. A rebalance during the first heartbeat skips its own, and brokers refuse the new queues'
        // pulls ("subscription not latest") until the next one.
        consumer.setHeartbeatBrokerInterval(2_000);
        consumer.setConsumeFromWhere(options.getOrDefault("from", "first").equals("last")
            ? ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET : ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        int threads = Integer.parseInt(options.getOrDefault("threads", "4"));
        consumer.setConsumeThreadMin(threads);
        consumer.setConsumeThreadMax(threads);
        consumer.setConsumeMessageBatchMaxSize(1);
        int failTimes = Integer.parseInt(options.getOrDefault("fail-times", "0"));
        long delay = Long.parseLong(options.getOrDefault("delay-ms", "0"));
        consumer.setAllocateMessageQueueStrategy(new ReportingStrategy(member));
        if (options.getOrDefault("assignment", "own").equals("broker")) {
            askBrokerForQueues(consumer, Long.parseLong(options.getOrDefault("invisible-ms", "60000")));
        }
        consumer.subscribe(topic, options.getOrDefault("expression", "*").replace(',', ' '));
        if (options.getOrDefault("order", "concurrently").equals("orderly")) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) ->
                consume(member, messages, failTimes, delay)
                    ? ConsumeOrderlyStatus.SUCCESS : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT);
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) ->
                consume(member, messages, failTimes, delay)
                    ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS : ConsumeConcurrentlyStatus.RECONSUME_LATER);
        }
        consumer.start();
        members.put(member, consumer);
        return json("member", member, "clientId", consumer.buildMQClientId());
    }

    /** The client reads it once, when its first broadcasting consumer is made. */
    private static void keepOffsetsIn(String directory) {
        String name = "rocketmq.client.localOffsetStoreDir";
        if (System.getProperty(name) != null && !System.getProperty(name).equals(directory)) {
            throw new IllegalArgumentException("another offset-dir was given before: " + System.getProperty(name));
        }
        System.setProperty(name, directory);
    }

    /** The methods are new in 5.x, so they are looked up. */
    private static void askBrokerForQueues(DefaultMQPushConsumer consumer, long invisible) throws Exception {
        consumer.getClass().getMethod("setClientRebalance", boolean.class).invoke(consumer, false);
        consumer.getClass().getMethod("setPopInvisibleTime", long.class).invoke(consumer, invisible);
    }

    private boolean consume(String member, List<MessageExt> messages, int failTimes, long delay) {
        boolean success = true;
        for (MessageExt message : messages) {
            Map<String, Object> line = json("event", "message", "member", member, "at", System.currentTimeMillis());
            line.putAll(describe(message));
            print(line);
            success &= failTimes >= 0 && message.getReconsumeTimes() >= failTimes;
        }
        try {
            Thread.sleep(delay);
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
        }
        return success;
    }

    /** With drain=yes after what it holds was consumed: a Java member that leaves waits for no listener call. */
    private Map<String, Object> leave(String member, Map<String, String> options) throws Exception {
        DefaultMQPushConsumer consumer = members.remove(member);
        if (consumer == null) {
            throw new IllegalArgumentException("no member of this name");
        }
        if (options.getOrDefault("drain", "no").equals("yes")) {
            drain(consumer);
        }
        consumer.shutdown();
        return json("member", member);
    }

    private static void drain(DefaultMQPushConsumer consumer) throws InterruptedException {
        var queues = consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable();
        for (int attempt = 0; queues.values().stream().anyMatch(queue -> queue.getMsgCount().get() > 0); ++attempt) {
            if (attempt == 1_000) {
                throw new IllegalStateException("the member has not consumed what it holds in 10 s");
            }
            Thread.sleep(10);
        }
        Thread.sleep(50); // a message is let go of just before its offset is noted
    }

    private Map<String, Object> offsets(String group, String topic) throws Exception {
        List<Object> queues = new ArrayList<>();
        for (var row : new TreeMap<>(admin.examineConsumeStats(group, topic).getOffsetTable()).entrySet()) {
            if (row.getKey().getTopic().equals(topic)) {
                queues.add(json("brokerName", row.getKey().getBrokerName(), "queueId", row.getKey().getQueueId(),
                    "brokerOffset", row.getValue().getBrokerOffset(),
                    "consumerOffset", row.getValue().getConsumerOffset()));
            }
        }
        return json("group", group, "topic", topic, "queues", queues);
    }

    /** Which of the two modes the brokers tell a group's members for a topic. 5.x; by reflection, as 4.9 has no such thing. */
    private Map<String, Object> consumeMode(String group, String topic, String mode, Map<String, String> options)
            throws Exception {
        Class<?> modes = Class.forName("org.apache.rocketmq.common.message.MessageRequestMode");
        var set = admin.getClass().getMethod("setMessageRequestMode", String.class, String.class, String.class, modes,
            int.class, long.class);
        for (var broker : admin.examineBrokerClusterInfo().getBrokerAddrTable().values()) {
            set.invoke(admin, broker.selectBrokerAddr(), topic, group,
                modes.getMethod("valueOf", String.class).invoke(null, mode),
                Integer.parseInt(options.getOrDefault("share", "0")), 10_000L);
        }
        return json("group", group, "topic", topic, "mode", mode);
    }

    /** As mqadmin resetOffsetByTime: to the first message stored at or after a time; -1: to the end. */
    private Map<String, Object> resetOffset(String group, String topic, long timestamp) throws Exception {
        List<Object> queues = new ArrayList<>();
        for (var each : new TreeMap<>(admin.resetOffsetByTimestamp(topic, group, timestamp, true)).entrySet()) {
            queues.add(json("queueId", each.getKey().getQueueId(), "offset", each.getValue()));
        }
        return json("group", group, "topic", topic, "queues", queues);
    }

    private Map<String, Object> deleteTopic(String topic) throws Exception {
        Set<String> brokers = new HashSet<>();
        for (var broker : admin.examineBrokerClusterInfo().getBrokerAddrTable().values()) {
            brokers.add(broker.selectBrokerAddr());
        }
        admin.deleteTopicInBroker(brokers, topic);
        try {
            admin.getClass().getMethod("deleteTopicInNameServer", Set.class, String.class)
                .invoke(admin, Set.of(nameServer), topic);
        } catch (NoSuchMethodException e) { // 4.9.7
            admin.deleteTopicInNameServer(Set.of(nameServer), topic, "DefaultCluster");
        }
        return json("topic", topic);
    }

    private Map<String, Object> queueLimits(String topic) throws Exception {
        List<Object> queues = new ArrayList<>();
        for (MessageQueue queue : queuesOf(topic)) {
            queues.add(json("brokerName", queue.getBrokerName(), "queueId", queue.getQueueId(),
                "minOffset", admin.minOffset(queue), "maxOffset", admin.maxOffset(queue)));
        }
        return json("topic", topic, "queues", queues);
    }

    private Map<String, Object> consumerConnection(String group) throws Exception {
        var connection = admin.examineConsumerConnectionInfo(group);
        List<Object> clients = new ArrayList<>();
        for (var client : connection.getConnectionSet()) {
            clients.add(json("clientId", client.getClientId(), "address", client.getClientAddr(),
                "language", String.valueOf(client.getLanguage()), "version", client.getVersion()));
        }
        List<Object> subscriptions = new ArrayList<>();
        for (var subscription : connection.getSubscriptionTable().values()) {
            subscriptions.add(json("topic", subscription.getTopic(), "expression", subscription.getSubString(),
                "type", subscription.getExpressionType(), "tags", List.copyOf(subscription.getTagsSet()),
                "codes", List.copyOf(subscription.getCodeSet())));
        }
        return json("group", group, "clients", clients, "subscriptions", subscriptions,
            "consumeType", String.valueOf(connection.getConsumeType()),
            "messageModel", String.valueOf(connection.getMessageModel()),
            "consumeFromWhere", String.valueOf(connection.getConsumeFromWhere()));
    }

    private Map<String, Object> runningInfo(String group, String clientId) throws Exception {
        var info = admin.getConsumerRunningInfo(group, clientId, false);
        Map<String, Object> properties = new TreeMap<>();
        info.getProperties().forEach((name, value) -> properties.put(String.valueOf(name), String.valueOf(value)));
        List<Object> queues = new ArrayList<>();
        for (MessageQueue queue : info.getMqTable().keySet()) {
            queues.add(json("topic", queue.getTopic(), "brokerName", queue.getBrokerName(), "queueId", queue.getQueueId()));
        }
        return json("group", group, "clientId", clientId, "properties", properties, "queues", queues);
    }

    private MessageExt viewMessage(String topic, String id) throws Exception {
        return admin.viewMessage(topic, id);
    }

    private static Map<String, Object> describe(MessageExt message) {
        byte[] body = message.getBody();
        CRC32 crc = new CRC32();
        crc.update(body);
        Map<String, Object> fields = json(
            "topic", message.getTopic(),
            "brokerName", message.getBrokerName(),
            "queueId", message.getQueueId(),
            "queueOffset", message.getQueueOffset(),
            "msgId", MessageClientIDSetter.getUniqID(message),
            // MessageClientExt answers the unique id from getMsgId(); its own name for the other one moved about.
            "offsetMsgId", offsetId(message),
            "keys", message.getKeys(),
            "tags", message.getTags(),
            "reconsumeTimes", message.getReconsumeTimes(),
            "bornTimestamp", message.getBornTimestamp(),
            "storeTimestamp", message.getStoreTimestamp(),
            "body", new String(body, 0, Math.min(body.length, BODY_PREFIX), StandardCharsets.UTF_8),
            "bodySize", body.length,
            "bodyCrc", crc.getValue());
        fields.put("properties", new TreeMap<>(message.getProperties()));
        return fields;
    }

    private static String offsetId(MessageExt message) {
        return message instanceof org.apache.rocketmq.common.message.MessageClientExt
            ? ((org.apache.rocketmq.common.message.MessageClientExt) message).getOffsetMsgId() : message.getMsgId();
    }

    /** Averagely, as by default, and a line whenever the share of a topic has changed. */
    private final class ReportingStrategy extends AllocateMessageQueueAveragely {
        private final String member;
        private final Map<String, List<Integer>> shares = new ConcurrentHashMap<>();

        ReportingStrategy(String member) {
            this.member = member;
        }

        @Override
        public List<MessageQueue> allocate(String group, String self, List<MessageQueue> queues, List<String> members) {
            List<MessageQueue> share = super.allocate(group, self, queues, members);
            List<Integer> ids = new ArrayList<>();
            share.forEach(queue -> ids.add(queue.getQueueId()));
            String topic = queues.get(0).getTopic();
            if (!ids.equals(shares.put(topic, ids))) {
                print(json("event", "assigned", "member", member, "group", group, "topic", topic, "queues", ids,
                    "members", members.size()));
            }
            return share;
        }
    }

    // JSON, just enough to write it.

    private static Map<String, Object> json(Object... namesAndValues) {
        Map<String, Object> object = new LinkedHashMap<>();
        for (int index = 0; index < namesAndValues.length; index += 2) {
            object.put((String) namesAndValues[index], namesAndValues[index + 1]);
        }
        return object;
    }

    private void print(Map<String, Object> line) {
        StringBuilder text = new StringBuilder();
        write(text, line);
        synchronized (out) {
            out.println(text);
            out.flush();
        }
    }

    private static void write(StringBuilder text, Object value) {
        if (value instanceof Map) {
            String separator = "{";
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                write(text.append(separator), entry.getKey());
                write(text.append(':'), entry.getValue());
                separator = ",";
            }
            text.append(separator.equals("{") ? "{}" : "}");
        } else if (value instanceof Collection) {
            String separator = "[";
            for (Object element : (Collection<?>) value) {
                write(text.append(separator), element);
                separator = ",";
            }
            text.append(separator.equals("[") ? "[]" : "]");
        } else if (value == null || value instanceof Number || value instanceof Boolean) {
            text.append(value);
        } else {
            text.append('"');
            for (char character : value.toString().toCharArray()) {
                if (character == '"' || character == '\\') {
                    text.append('\\').append(character);
                } else if (character < 0x20) {
                    text.append(String.format("\\u%04x", (int) character));
                } else {
                    text.append(character);
                }
            }
            text.append('"');
        }
    }
}
