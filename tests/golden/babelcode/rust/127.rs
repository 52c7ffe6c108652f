pub fn intersection(interval1: Vec<i32>, interval2: Vec<i32>) -> String {
    let start = interval1[0].max(interval2[0]);
    let end = interval1[1].min(interval2[1]);
    let length = end - start;
    if length < 2 {
        return "NO".to_string();
    }
    for divisor in 2..length {
        if length % divisor == 0 {
            return "NO".to_string();
        }
    }
    "YES".to_string()
}
