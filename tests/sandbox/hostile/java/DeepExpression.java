// expected: fails
public class Main {
    static int down(int n) {
        return down(n + 1) + n;
    }

    public static void main(String[] arguments) {
        System.out.println(down(0));
    }
}
