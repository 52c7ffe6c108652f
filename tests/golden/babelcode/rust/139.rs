pub fn special_factorial(n: i32) -> i64 {
    let mut factorial = 1;
    let mut product = 1;
    for i in 1..=n as i64 {
        factorial *= i;
        product *= factorial;
    }
    product
}
