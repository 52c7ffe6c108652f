// expected: over the memory limit | fails
import java.util.*;

public class Main {
    public static void main(String[] arguments) {
        List<byte[]> kept = new ArrayList<>();
        for (;;) {
            byte[] block = new byte[1 << 22];
            Arrays.fill(block, (byte) 1);
            kept.add(block);
        }
    }
}
