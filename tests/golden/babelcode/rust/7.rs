pub fn filter_by_substring(strings: Vec<String>, substring: String) -> Vec<String> {
    strings.into_iter().filter(|each| each.contains(&substring)).collect()
}
