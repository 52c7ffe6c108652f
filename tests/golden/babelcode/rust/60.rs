pub fn sum_to_n(n: i32) -> i32 {
    n * (n + 1) / 2
}
