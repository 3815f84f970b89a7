#!/usr/bin/env bash
# Runs one Apache Kafka node (KRaft, plaintext, 127.0.0.1) until standard input ends, so that it goes when its starter does.
# Usage: kafka.sh FOLDER PORT CONTROLLER_PORT < pipe
# FOLDER takes data, settings and the log. The jars come from Maven Central once and are kept in LOCKGATE_KAFKA_JARS.
set -euo pipefail

version=4.2.0
folder=$1 port=$2 controller_port=$3
jars=${LOCKGATE_KAFKA_JARS:-${XDG_CACHE_HOME:-$HOME/.cache}/lockgate/kafka-$version}

fetch() {
  # Kafka binds SLF4J 1.7, hence this binding and not its successor; without one it logs nothing.
  cat > "$jars/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lockgate</groupId> <artifactId>kafka-for-tests</artifactId> <version>1</version> <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.2</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.25.2</version></dependency>
  </dependencies>
</project>
POM
  mvn --quiet --batch-mode --file "$jars/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$jars/lib" >&2
  touch "$jars/complete"
}

settings() {
  cat > "$folder/server.properties" <<SETTINGS
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$folder/data
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
log.cleaner.dedupe.buffer.size=4194304
SETTINGS
  cat > "$folder/log4j2.properties" <<LOGGING
status = error
appenders = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
LOGGING
}

mkdir -p "$folder" "$jars"
(
  # Test binaries start side by side; the first one fetches for all.
  flock 9
  [ -f "$jars/complete" ] || fetch
) 9> "$jars/lock"
settings
run=(java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true
  -Dlog4j2.configurationFile="$folder/log4j2.properties" -cp "$jars/lib/*")
if [ ! -f "$folder/data/meta.properties" ]; then
  "${run[@]}" -Xmx128m kafka.tools.StorageTool format --ignore-formatted \
    -t LockgateTestCluster000 -c "$folder/server.properties" < /dev/null >&2
fi
"${run[@]}" -Xmx512m kafka.Kafka "$folder/server.properties" < /dev/null &
broker=$!
while kill -0 "$broker" 2> /dev/null; do
  # `read` gives more than 128 when its second is over, and 1 when the starter is gone.
  ended=0
  read -r -t 1 _ || ended=$?
  if [ "$ended" = 1 ]; then break; fi
done
kill -9 "$broker" 2> /dev/null || true
wait "$broker" || true
