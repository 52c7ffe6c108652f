pub fn below_threshold(l: Vec<i32>, t: i32) -> bool {
    l.iter().all(|each| *each < t)
}
