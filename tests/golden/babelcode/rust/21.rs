pub fn rescale_to_unit(numbers: Vec<f32>) -> Vec<f32> {
    let mut low = numbers[0];
    let mut high = numbers[0];
    for number in &numbers {
        low = low.min(*number);
        high = high.max(*number);
    }
    numbers.iter().map(|number| (number - low) / (high - low)).collect()
}
