pub fn count_up_to(n: i32) -> Vec<i32> {
    let mut primes: Vec<i32> = Vec::new();
    for number in 2..n {
        if primes.iter().all(|prime| number % prime != 0) {
            primes.push(number);
        }
    }
    primes
}
