pub fn max_element(l: Vec<i32>) -> i32 {
    let mut largest = l[0];
    for each in l {
        if each > largest {
            largest = each;
        }
    }
    largest
}
