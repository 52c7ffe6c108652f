pub fn int_to_mini_roman(number: i32) -> String {
    let values = [1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1];
    let signs = ["m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"];
    let mut rest = number;
    let mut result = String::new();
    for i in 0..values.len() {
        while rest >= values[i] {
            result += signs[i];
            rest -= values[i];
        }
    }
    result
}
