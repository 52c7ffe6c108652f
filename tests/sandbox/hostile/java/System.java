// expected: held
import java.io.*;
import java.net.*;
import java.nio.file.*;
import java.util.*;

public class Main {
    interface Attempt {
        Object run() throws Exception;
    }

    static void attempt(String name, Attempt attempt) {
        try {
            attempt.run();
            System.out.println("ESCAPED: " + name);
        } catch (Throwable error) {
        }
    }

    public static void main(String[] arguments) throws Exception {
        for (String path : List.of("@SECRET@", "/etc/shadow", "/proc/1/root@SECRET@")) {
            attempt(path, () -> Files.readAllBytes(Path.of(path)));
        }
        for (String path : List.of("/hostile", "/usr/hostile", "/etc/hostile", "/dev/hostile")) {
            attempt(path, () -> Files.writeString(Path.of(path), "x"));
        }
        attempt("TCP", () -> new Socket("127.0.0.1", @PORT@));
        attempt("DNS", () -> InetAddress.getByName("example.com"));
        attempt("processes", () -> ProcessHandle.of(@PID@).get());
        if (System.getenv("CODEGEM_SECRET") != null) {
            System.out.println("ESCAPED: environment");
        }
        System.out.println("held");
    }
}
