pub fn concatenate(strings: Vec<String>) -> String {
    strings.join("")
}
