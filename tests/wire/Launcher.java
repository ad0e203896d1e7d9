/*
 * Starts an in-memory server that speaks MongoDB's protocol: java -cp 'lib/*' Launcher.java [port]
 *
 * Prints its address in one line, and ends when standard input closes, so that a killed test run
 * never leaves it behind. It claims MongoDB 7.0 since current drivers refuse what the library
 * claims by itself; without the oplog there would be no change streams.
 */

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

class Launcher {
    record Version(List<Integer> getVersionArray, int getWireVersion) implements MongoVersion {}

    public static void main(String[] arguments) throws Exception {
        var version = new Version(List.of(7, 0, 0), 21);
        var server = new MongoServer(new MemoryBackend().version(version));
        server.enableOplog();
        try {
            server.bind("127.0.0.1", arguments.length == 0 ? 0 : Integer.parseInt(arguments[0]));
            System.out.println("mongodb://127.0.0.1:" + server.getLocalAddress().getPort());
            while (System.in.read() != -1) {}
        } finally {
            // The threads of the server would keep the process alive, even after a failed bind.
            server.shutdownNow();
        }
    }
}
