pub fn check_dict_case(dict: HashMap<String, String>) -> bool {
    if dict.len() == 0 {
        return false;
    }
    let letters: String = dict.keys().map(|key| key.as_str()).collect();
    letters.chars().all(|each| each >= 'a' && each <= 'z') || letters.chars().all(|each| each >= 'A' && each <= 'Z')
}
