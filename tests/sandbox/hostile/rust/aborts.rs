// expected: fails
fn main() {
    let mut deep: Vec<Box<dyn Fn()>> = Vec::new();
    deep.push(Box::new(|| std::process::abort()));
    deep[0]();
}
