pub fn all_prefixes(string_arg0: String) -> Vec<String> {
    let mut prefixes = Vec::new();
    let mut length = 0;
    while length < string_arg0.len() {
        length += 1;
        prefixes.push(string_arg0.chars().take(length).collect());
    }
    prefixes
}
