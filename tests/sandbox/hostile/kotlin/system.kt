// expected: held
import java.io.File
import java.net.Socket

fun attempt(name: String, act: () -> Any?) {
    try {
        act()
        println("ESCAPED: $name")
    } catch (error: Throwable) {
    }
}

fun main() {
    for (path in listOf("@SECRET@", "/etc/shadow", "/proc/1/root@SECRET@")) attempt(path) { File(path).readBytes() }
    for (path in listOf("/hostile", "/usr/hostile", "/etc/hostile")) attempt(path) { File(path).writeText("x") }
    attempt("TCP") { Socket("127.0.0.1", @PORT@) }
    attempt("processes") { ProcessHandle.of(@PID@).get() }
    println("held")
}
