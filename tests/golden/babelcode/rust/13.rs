pub fn greatest_common_divisor(a: i32, b: i32) -> i32 {
    if b == 0 {
        return a;
    }
    greatest_common_divisor(b, a % b)
}
