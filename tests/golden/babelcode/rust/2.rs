pub fn truncate_number(number: f32) -> f32 {
    number - number.floor()
}
