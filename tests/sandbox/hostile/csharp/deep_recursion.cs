// expected: fails
class Program {
    static int Down(int n) { return Down(n + 1) + n; }

    static void Main() { System.Console.WriteLine(Down(0)); }
}
