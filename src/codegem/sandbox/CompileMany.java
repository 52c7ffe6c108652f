import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Compiles several programs in one virtual machine, each for itself.
 *
 * <p>Arguments: "java" or "kotlin", the main file's name, seconds for each program, how many there are, and options
 * for the compiler. Program N is the file N/NAME in the current folder. For each one, in order, standard output gets
 * the length of the compiler's words, these words, the length of a jar and the jar (lengths are 4 bytes, big-endian;
 * no jar where it does not compile). A program that takes too long or too much memory ends everything: then nothing
 * comes of it and of those behind it.
 */
public final class CompileMany {
    private static final int STACK = 64 << 20; // bytes: deep expressions are compiled by deep recursion
    private static final int MOST_WORDS = 1 << 16;

    private interface Compiler {
        boolean compile(Path source, Path classes, PrintStream words) throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        String language = arguments[0];
        String name = arguments[1];
        int seconds = Integer.parseInt(arguments[2]);
        int count = Integer.parseInt(arguments[3]);
        List<String> options = Arrays.asList(arguments).subList(4, arguments.length);
        DataOutputStream out = new DataOutputStream(new FileOutputStream(java.io.FileDescriptor.out));
        System.setOut(System.err); // what a compiler prints is no part of the answer
        Compiler compiler = language.equals("java") ? java(options) : kotlin(options);
        for (int number = 0; number < count; number++) {
            Path folder = Path.of(Integer.toString(number));
            ByteArrayOutputStream words = new ByteArrayOutputStream();
            FutureTask<byte[]> task = new FutureTask<>(one(compiler, folder, name, words));
            Thread thread = new Thread(null, task, "compile", STACK);
            thread.setDaemon(true);
            thread.start();
            byte[] jar = null;
            try {
                jar = task.get(seconds, TimeUnit.SECONDS);
            } catch (TimeoutException error) {
                Runtime.getRuntime().halt(3);
            }
            byte[] said = words.toByteArray();
            said = said.length > MOST_WORDS ? Arrays.copyOf(said, MOST_WORDS) : said;
            ByteArrayOutputStream frame = new ByteArrayOutputStream();
            DataOutputStream answer = new DataOutputStream(frame);
            answer.writeInt(said.length);
            answer.write(said);
            answer.writeInt(jar.length);
            answer.write(jar);
            out.write(frame.toByteArray());
            out.flush();
        }
        Runtime.getRuntime().halt(0); // not waiting for what a compiler keeps running
    }

    private static Callable<byte[]> one(Compiler compiler, Path folder, String name, ByteArrayOutputStream words) {
        return () -> {
            PrintStream printer = new PrintStream(words, true, StandardCharsets.UTF_8);
            Path classes = Files.createDirectories(folder.resolve("classes"));
            try {
                return compiler.compile(folder.resolve(name), classes, printer) ? jar(classes) : new byte[0];
            } catch (OutOfMemoryError error) {
                Runtime.getRuntime().halt(4);
                return new byte[0];
            } catch (Throwable error) { // such as a stack overflow inside the compiler
                printer.println("the compiler failed: " + error);
                return new byte[0];
            }
        };
    }

    private static Compiler java(List<String> options) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        return (source, classes, words) -> {
            List<String> all = new ArrayList<>(options);
            all.addAll(List.of("-d", classes.toString()));
            StringWriter text = new StringWriter();
            boolean well = compiler.getTask(text, files, null, all, null, files.getJavaFileObjects(source)).call();
            words.print(text);
            return well;
        };
    }

    private static Compiler kotlin(List<String> options) throws Exception {
        Class<?> type = Class.forName("org.jetbrains.kotlin.cli.jvm.K2JVMCompiler");
        Object compiler = type.getConstructor().newInstance();
        Method run = type.getMethod("exec", PrintStream.class, String[].class);
        return (source, classes, words) -> {
            List<String> all = new ArrayList<>(options);
            all.addAll(List.of("-d", classes.toString(), source.toString()));
            Object code = run.invoke(compiler, words, all.toArray(new String[0]));
            return code.toString().equals("OK");
        };
    }

    private static byte[] jar(Path classes) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes); Stream<Path> found = Files.walk(classes)) {
            zip.setLevel(1);
            for (Path path : (Iterable<Path>) found.filter(Files::isRegularFile)::iterator) {
                zip.putNextEntry(new ZipEntry(classes.relativize(path).toString().replace(File.separatorChar, '/')));
                Files.copy(path, zip);
            }
        }
        return bytes.toByteArray();
    }
}
