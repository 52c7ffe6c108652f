pub fn find_zero(xs: Vec<i32>) -> f64 {
    let at = |x: f64| xs.iter().rev().fold(0.0, |sum, coefficient| sum * x + *coefficient as f64);
    let mut low = -1.0;
    let mut high = 1.0;
    while at(low) * at(high) > 0.0 {
        low *= 2.0;
        high *= 2.0;
    }
    while high - low > 1e-10 {
        let middle = (low + high) / 2.0;
        if at(low) * at(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}
