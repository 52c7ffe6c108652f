pub fn is_palindrome(text: String) -> bool {
    let letters: Vec<char> = text.chars().collect();
    for i in 0..letters.len() / 2 {
        if letters[i] != letters[letters.len() - 1 - i] {
            return false;
        }
    }
    true
}
