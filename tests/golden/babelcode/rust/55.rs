pub fn fib(n: i32) -> i32 {
    let mut current = 0;
    let mut following = 1;
    for _ in 0..n {
        let sum = current + following;
        current = following;
        following = sum;
    }
    current
}
