pub fn count_distinct_characters(string_arg0: String) -> i32 {
    let mut seen = HashSet::new();
    let mut count = 0;
    for each in string_arg0.to_lowercase().chars() {
        if seen.insert(each) {
            count += 1;
        }
    }
    count
}
