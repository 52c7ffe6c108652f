pub fn get_positive(l: Vec<i32>) -> Vec<i32> {
    l.into_iter().filter(|each| *each > 0).collect()
}
