// expected: no build
static BYTES: &[u8] = include_bytes!("/dev/urandom");

fn main() {
    println!("ESCAPED {}", BYTES.len());
}
