// expected: held
public class Main {
    public static void main(String[] arguments) throws Exception {
        new ProcessBuilder("/usr/bin/setsid", "/bin/sh", "-c", "sleep 600 # @MARK@").inheritIO().start();
        Thread.sleep(100);
        System.out.println("held");
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }
}
