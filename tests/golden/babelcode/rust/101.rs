pub fn words_string(s: String) -> Vec<String> {
    s.split(|each| each == ' ' || each == ',').filter(|word| word.len() > 0).map(|word| word.to_string()).collect()
}
