# Which java runs Kafka 4: it needs 17, and another one may come first on PATH. Sourced by scripts.

kafka_java=java
for candidate in /usr/lib/jvm/java-17-openjdk-*/bin/java; do
    [ ! -x "$candidate" ] || kafka_java=$candidate
done
