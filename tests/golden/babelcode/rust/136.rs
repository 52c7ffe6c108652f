pub fn largest_smallest_integers(lst: Vec<i32>) -> Vec<String> {
    let negative = lst.iter().filter(|each| **each < 0).max();
    let positive = lst.iter().filter(|each| **each > 0).min();
    let mut result = Vec::new();
    for found in [negative, positive] {
        result.push(match found {
            Some(number) => number.to_string(),
            None => String::new(),
        });
    }
    result
}
