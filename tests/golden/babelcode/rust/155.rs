pub fn even_odd_count(num: i32) -> Vec<i32> {
    let mut counts = vec![0, 0];
    for digit in num.abs().to_string().bytes() {
        counts[(digit % 2) as usize] += 1;
    }
    counts
}
