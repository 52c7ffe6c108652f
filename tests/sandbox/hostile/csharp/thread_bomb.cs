// expected: over the process limit | over the memory limit | fails | out of time
using System.Threading;

class Program {
    static void Main() {
        for (;;) new Thread(() => Thread.Sleep(600000)).Start();
    }
}
