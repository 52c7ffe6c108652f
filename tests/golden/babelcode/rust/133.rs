pub fn sum_squares(lst: Vec<f32>) -> i32 {
    let mut sum = 0;
    for each in lst {
        let whole = each.ceil() as i32;
        sum += whole * whole;
    }
    sum
}
