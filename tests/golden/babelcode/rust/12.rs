pub fn longest(strings: Vec<String>) -> String {
    let mut found = String::new();
    for each in strings {
        if each.len() > found.len() {
            found = each;
        }
    }
    found
}
