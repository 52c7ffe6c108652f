// expected: no build
const SECRET: &str = include_str!("@SECRET@");

fn main() {
    println!("ESCAPED {}", SECRET);
}
