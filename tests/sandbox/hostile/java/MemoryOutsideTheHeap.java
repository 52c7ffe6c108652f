// expected: over the memory limit | fails
import java.lang.reflect.Field;
import sun.misc.Unsafe;

public class Main {
    public static void main(String[] arguments) throws Exception {
        Field field = Unsafe.class.getDeclaredField("theUnsafe");
        field.setAccessible(true);
        Unsafe unsafe = (Unsafe) field.get(null);
        for (;;) {
            unsafe.setMemory(unsafe.allocateMemory(1 << 22), 1 << 22, (byte) 1);
        }
    }
}
