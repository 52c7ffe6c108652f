// expected: held
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;

extern "C" {
    fn setuid(user: u32) -> i32;
    fn chroot(path: *const u8) -> i32;
    fn kill(process: i32, signal: i32) -> i32;
    fn ptrace(request: i64, process: i32, address: usize, data: usize) -> i64;
}

fn main() {
    for path in ["@SECRET@", "/etc/shadow", "/proc/1/root@SECRET@", "/proc/kcore"] {
        if std::fs::read(path).is_ok() {
            println!("ESCAPED {}", path);
        }
    }
    for path in ["/hostile", "/usr/hostile", "/etc/hostile", "/dev/hostile"] {
        if std::fs::write(path, "x").is_ok() {
            println!("ESCAPED {}", path);
        }
    }
    let unix = UnixStream::connect("/run/docker.sock").is_ok();
    let udp = UdpSocket::bind("0.0.0.0:0").and_then(|made| made.send_to(b"x", "192.0.2.1:53")).is_ok();
    if TcpStream::connect("127.0.0.1:@PORT@").is_ok() || unix || udp {
        println!("ESCAPED network");
    }
    unsafe {
        if setuid(0) == 0 || chroot(b"/tmp\0".as_ptr()) == 0 || kill(@PID@, 0) == 0 || ptrace(16, 1, 0, 0) == 0 {
            println!("ESCAPED");
        }
    }
    println!("held");
}
