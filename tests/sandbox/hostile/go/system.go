// expected: held
package main

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

func main() {
	for _, path := range []string{"@SECRET@", "/etc/shadow", "/proc/1/root@SECRET@", "/proc/kcore"} {
		if _, problem := os.ReadFile(path); problem == nil {
			fmt.Println("ESCAPED", path)
		}
	}
	for _, way := range [][2]string{{"tcp", "127.0.0.1:@PORT@"}, {"udp", "192.0.2.1:53"}, {"unix", "@@ADDRESS@"}} {
		if made, problem := net.DialTimeout(way[0], way[1], time.Second); problem == nil {
			fmt.Println("ESCAPED", made)
		}
	}
	if syscall.Mount("x", "/tmp", "tmpfs", 0, "") == nil || syscall.Chroot("/tmp") == nil || syscall.Setuid(0) == nil {
		fmt.Println("ESCAPED")
	}
	if syscall.Kill(@PID@, 0) == nil {
		fmt.Println("ESCAPED")
	}
	fmt.Println("held")
}
