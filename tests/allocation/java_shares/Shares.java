import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;

import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMachineRoomNearby;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByConfig;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByMachineRoom;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Writes to the file that it is given what the Java client's own strategies give, for many groups and topics;
 * compare_shares.cpp reads it. (Standard output belongs to the client's logging.)
 *
 * Lines of words separated by tabs. A case is a topic and a group: `given-members`, `given-queues` in any order, `members`,
 * `queues` as Java sorts them, a queue as topic, broker and id; then for each strategy and member a line
 *
 *     share NAME PARAMETER MEMBER QUEUE QUEUE...
 *
 * MEMBER and QUEUE count from 0 in the sorted lines.
 */
public class Shares {
    /** Members, and the brokers of a topic; the first n of each are used. */
    static final class Names {
        final String topic;
        final String[] members;
        final String[] brokers;

        Names(String topic, String[] members, String[] brokers) {
            this.topic = topic;
            this.members = members;
            this.brokers = brokers;
        }
    }

    static final Names[] ALL = {
        new Names("orders",
            new String[] {"10.0.0.1@4711#1", "10.0.0.2@4711#1", "10.0.0.3@4711#1", "10.0.0.4@4711#1", "10.0.0.5@4711#1",
                "10.0.0.6@4711#1", "10.0.0.7@4711#1"},
            new String[] {"broker-a"}),
        // What sorts as text and not as numbers; one name that begins as another.
        new Names("%RETRY%billing",
            new String[] {"10.0.0.9@c", "10.0.0.10@c", "10.0.0.1@c", "10.0.0.1@c2", "10.0.0.1@C", "192.168.100.200@instance@unit",
                "a"},
            new String[] {"broker-10", "broker-2", "broker-1", "broker-", "Broker-2"}),
        // Two, three and four bytes of UTF-8; what sorts otherwise in UTF-16 than in UTF-8; accents of both kinds.
        new Names("orders",
            new String[] {"10.0.0.1@gr\u00f6\u00dfe", "10.0.0.1@\u65e5\u672c", "10.0.0.1@\ud835\udcb3", "10.0.0.1@\uff5e",
                "10.0.0.1@e\u0301", "10.0.0.1@\u00e9", "10.0.0.1@\ue000"},
            new String[] {"\u0431\u0440\u043e\u043a\u0435\u0440", "broker-\ud83d\ude00", "broker-\uffee"}),
        // Rooms with and without members, broker names that name no room, or name it oddly.
        new Names("orders",
            new String[] {"east@1", "west@1", "east@2", "south@1", "east@3", "west@2", "center"},
            new String[] {"east@a", "north@a", "west@a", "center", "east@b@", "@east", "east@c@d"}),
        new Names("orders",
            new String[] {"east@10.0.0.9", "east@10.0.0.10", "west@10.0.0.1", "west@10.0.0.11", "\u6771@1", "\u6771@2", "east@"},
            new String[] {"east@a", "west@a", "\u6771@a"}),
    };

    static String room(String name) {
        int at = name.indexOf('@');
        return at < 0 ? name : at == 0 ? "nameless" : name.substring(0, at);
    }

    static final AllocateMachineRoomNearby.MachineRoomResolver ROOMS = new AllocateMachineRoomNearby.MachineRoomResolver() {
        @Override
        public String brokerDeployIn(MessageQueue queue) {
            return room(queue.getBrokerName());
        }

        @Override
        public String consumerDeployIn(String clientId) {
            return room(clientId);
        }
    };

    static PrintStream out;
    static List<String> members;
    static List<MessageQueue> queues;

    static void share(AllocateMessageQueueStrategy strategy, String parameter) {
        for (String self : members) {
            List<MessageQueue> share = strategy.allocate("billing", self, queues, members);
            out.println("share\t" + strategy.getName() + "\t" + parameter + "\t" + members.indexOf(self)
                + share.stream().map(queue -> "\t" + queues.indexOf(queue)).collect(Collectors.joining()));
        }
    }

    static String lineOf(List<MessageQueue> queues) {
        return queues.stream().map(queue -> "\t" + queue.getTopic() + "\t" + queue.getBrokerName() + "\t" + queue.getQueueId())
            .collect(Collectors.joining());
    }

    static void shares() {
        share(new AllocateMessageQueueAveragely(), "");
        share(new AllocateMessageQueueAveragelyByCircle(), "");
        for (int nodes : new int[] {0, 1, 10, 37})
            share(new AllocateMessageQueueConsistentHash(nodes), "" + nodes);
        // Negative places, and many at the same one.
        share(new AllocateMessageQueueConsistentHash(3, String::hashCode), "hashCode");
        share(new AllocateMessageQueueConsistentHash(3, text -> text.hashCode() % 7), "hashCode % 7");

        List<MessageQueue> some = new ArrayList<>();
        for (int i = queues.size() - 1; i >= 0; i -= 3)
            some.add(queues.get(i));
        AllocateMessageQueueByConfig fixed = new AllocateMessageQueueByConfig();
        fixed.setMessageQueueList(some);
        share(fixed, some.stream().map(queue -> "" + queues.indexOf(queue)).collect(Collectors.joining(",")));

        for (String rooms : new String[] {"east", "west,north,nowhere", "\u6771"}) {
            AllocateMessageQueueByMachineRoom room = new AllocateMessageQueueByMachineRoom();
            room.setConsumeridcs(new HashSet<>(Arrays.asList(rooms.split(","))));
            share(room, rooms);
        }

        for (AllocateMessageQueueStrategy inner : new AllocateMessageQueueStrategy[] {new AllocateMessageQueueAveragely(),
            new AllocateMessageQueueAveragelyByCircle(), new AllocateMessageQueueConsistentHash()})
            share(new AllocateMachineRoomNearby(inner, ROOMS), "");
    }

    public static void main(String[] arguments) throws Exception {
        out = new PrintStream(new BufferedOutputStream(new FileOutputStream(arguments[0])), false, StandardCharsets.UTF_8.name());
        Random order = new Random(5);
        for (Names names : ALL)
            for (int count = 1; count <= names.members.length; ++count)
                for (int size = 1; size <= 64; ++size) {
                    members = new ArrayList<>(Arrays.asList(names.members).subList(0, count));
                    Collections.shuffle(members, order);
                    queues = new ArrayList<>();
                    for (int i = 0; i < size; ++i)
                        queues.add(new MessageQueue(names.topic, names.brokers[i % names.brokers.length], i / names.brokers.length));
                    Collections.shuffle(queues, order);
                    out.println("given-members\t" + String.join("\t", members));
                    out.println("given-queues" + lineOf(queues));
                    Collections.sort(members);
                    Collections.sort(queues);
                    out.println("members\t" + String.join("\t", members));
                    out.println("queues" + lineOf(queues));
                    shares();
                }
        out.println("end");
        out.close();
        if (out.checkError())
            System.exit(1);
    }
}
