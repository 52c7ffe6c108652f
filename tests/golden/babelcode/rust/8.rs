pub fn sum_product(numbers: Vec<i32>) -> Vec<i32> {
    let mut sum = 0;
    let mut product = 1;
    for number in numbers {
        sum += number;
        product *= number;
    }
    vec![sum, product]
}
