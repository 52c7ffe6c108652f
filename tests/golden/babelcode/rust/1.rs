pub fn separate_paren_groups(paren_string: String) -> Vec<String> {
    let mut groups = Vec::new();
    let mut group = String::new();
    let mut depth = 0;
    for each in paren_string.chars() {
        if each == ' ' {
            continue;
        }
        group.push(each);
        if each == '(' {
            depth += 1;
        } else {
            depth -= 1;
        }
        if depth == 0 {
            groups.push(group);
            group = String::new();
        }
    }
    groups
}
