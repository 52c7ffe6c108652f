// expected: over the memory limit | fails
using System.Collections.Generic;

class Program {
    static void Main() {
        var kept = new List<byte[]>();
        for (;;) {
            var block = new byte[1 << 22];
            for (int i = 0; i < block.Length; i += 4096) block[i] = 1;
            kept.Add(block);
        }
    }
}
