pub fn get_string_length(s: String) -> i32 {
    let mut length = 0;
    for _ in s.chars() {
        length += 1;
    }
    length
}
