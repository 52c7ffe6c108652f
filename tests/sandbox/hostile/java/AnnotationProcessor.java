// expected: held | no build
import java.util.*;
import javax.annotation.processing.*;
import javax.lang.model.element.TypeElement;

@SupportedAnnotationTypes("*")
class Hostile extends AbstractProcessor {
    static {
        System.err.println("ESCAPED: runs while compiling");
    }

    public boolean process(Set<? extends TypeElement> some, RoundEnvironment round) {
        System.err.println("ESCAPED: runs while compiling");
        return false;
    }
}

public class Main {
    public static void main(String[] arguments) {
        System.out.println("held");
    }
}
