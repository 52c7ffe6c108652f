// expected: no build
#error the compiler stops here
#line 1 "/etc/shadow"
class Program {
    static void Main() { System.Console.WriteLine("ESCAPED" }
}
