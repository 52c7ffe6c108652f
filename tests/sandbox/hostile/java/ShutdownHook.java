// expected: out of time
public class Main {
    public static void main(String[] arguments) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            for (;;) {
            }
        }));
        System.exit(0);
    }
}
