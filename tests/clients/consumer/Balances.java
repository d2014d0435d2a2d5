// Follows topic wallet-events and keeps each wallet's newest balance. Needs kafka-clients and jackson-databind.
//
//     KAFKA_BROKERS=... KAFKA_TOPIC=wallet-events java -cp 'jars/*' Balances.java [--once]
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;

public class Balances {
    private static final String SOURCE = System.getenv("WALLET_SOURCE"); // as in ce_source
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<String, JsonNode> newest = new TreeMap<>(); // wallet id -> its newest event

    public static void main(String[] arguments) throws Exception {
        boolean once = List.of(arguments).contains("--once");
        String topic = System.getenv().getOrDefault("KAFKA_TOPIC", "wallet-events");
        Map<String, Object> settings = Map.of(
            "bootstrap.servers", System.getenv("KAFKA_BROKERS"),
            "group.id", System.getenv().getOrDefault("KAFKA_GROUP_ID", "balances-java"),
            "isolation.level", "read_committed", // what a transaction that failed left is not delivered
            "auto.offset.reset", "earliest");

        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            do {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
                    take(record);
                }
            } while (!once || !isAtEnd(consumer));
        }
        newest.forEach((id, event) -> System.out.println(id + " " + event.get("version") + " "
            + event.get("balance").asText() + " " + event.get("currency").asText()));
    }

    private static void take(ConsumerRecord<String, String> record) throws Exception {
        Header source = record.headers().lastHeader("ce_source");
        if (SOURCE != null && (source == null
                || !SOURCE.equals(new String(source.value(), StandardCharsets.UTF_8)))) {
            return; // another system writes to this topic too
        }
        JsonNode event = JSON.readTree(record.value());
        JsonNode before = newest.get(record.key());
        long version = event.get("version").asLong();
        long last = before == null ? -1 : before.get("version").asLong();
        if (version <= last) {
            return; // a second copy, after a crash or a backfill: the same event_id
        }
        if (version > last + 1) {
            System.err.println("gap before " + record.key() + " " + version);
        }
        newest.put(record.key(), event);
    }

    private static boolean isAtEnd(KafkaConsumer<String, String> consumer) {
        var ends = consumer.endOffsets(consumer.assignment());
        return !ends.isEmpty()
            && ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
    }
}
