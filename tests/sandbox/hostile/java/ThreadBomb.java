// expected: over the process limit | fails | out of time
public class Main {
    public static void main(String[] arguments) {
        for (;;) {
            new Thread(() -> {
                try {
                    Thread.sleep(600_000);
                } catch (InterruptedException error) {
                    main(arguments);
                }
            }).start();
        }
    }
}
