// expected: held
using System;
using System.IO;
using System.Net.Sockets;
using System.Runtime.InteropServices;

class Program {
    [DllImport("libc")] static extern int setuid(int user);
    [DllImport("libc")] static extern int chroot(string path);
    [DllImport("libc")] static extern int kill(int process, int signal);
    [DllImport("libc")] static extern int unshare(int flags);

    static void Attempt(string name, Action act) {
        try {
            act();
            Console.WriteLine("ESCAPED: " + name);
        } catch (Exception) {
        }
    }

    static void Main() {
        foreach (var path in new[] {"@SECRET@", "/etc/shadow", "/proc/1/root@SECRET@"})
            Attempt(path, () => File.ReadAllBytes(path));
        foreach (var path in new[] {"/hostile", "/usr/hostile", "/etc/hostile", "/dev/hostile"})
            Attempt(path, () => File.WriteAllText(path, "x"));
        Attempt("TCP", () => new TcpClient("127.0.0.1", @PORT@));
        if (setuid(0) == 0 || chroot("/tmp") == 0 || kill(@PID@, 0) == 0 || unshare(0x10000000) == 0)
            Console.WriteLine("ESCAPED: calls");
        Console.WriteLine("held");
    }
}
