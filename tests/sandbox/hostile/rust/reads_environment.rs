// expected: no build
fn main() {
    let secret = env!("CODEGEM_SECRET");
    println!("ESCAPED {}", secret);
}
