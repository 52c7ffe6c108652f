pub fn double_the_difference(lst: Vec<f32>) -> i32 {
    let mut sum = 0;
    for each in lst {
        if each > 0.0 && each % 2.0 == 1.0 {
            sum += each as i32 * each as i32;
        }
    }
    sum
}
