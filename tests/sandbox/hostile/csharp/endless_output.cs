// expected: over the output limit
class Program {
    static void Main() {
        for (;;) System.Console.WriteLine(new string('x', 9999));
    }
}
