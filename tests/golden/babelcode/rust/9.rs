pub fn rolling_max(numbers: Vec<i32>) -> Vec<i32> {
    let mut largest = i32::MIN;
    let mut result = Vec::new();
    for number in numbers {
        if number > largest {
            largest = number;
        }
        result.push(largest);
    }
    result
}
