pub fn even_odd_palindrome(n: i32) -> Vec<i32> {
    let mut counts = vec![0, 0];
    for number in 1..=n {
        let mut reversed = 0;
        let mut rest = number;
        while rest > 0 {
            reversed = reversed * 10 + rest % 10;
            rest /= 10;
        }
        if reversed == number {
            counts[(number % 2) as usize] += 1;
        }
    }
    counts
}
