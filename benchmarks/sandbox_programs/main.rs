use std::collections::HashMap;
use std::io::Write;
use std::panic;

fn parse_nested_parens(text: String) -> Vec<i32> {
    let depth = |group: &str| {
        let (mut level, mut deepest) = (0, 0);
        for letter in group.chars() {
            if letter == '(' {
                level += 1;
                deepest = std::cmp::max(level, deepest);
            } else {
                level -= 1;
            }
        }
        deepest
    };
    text.split_whitespace().map(depth).collect()
}

fn histogram(words: String) -> HashMap<String, i32> {
    let mut counts: HashMap<String, i32> = HashMap::new();
    for word in words.split_whitespace() {
        *counts.entry(word.to_string()).or_insert(0) += 1;
    }
    let most = counts.values().cloned().max().unwrap_or(0);
    counts.into_iter().filter(|(_, count)| *count == most).collect()
}

trait Encode {
    fn encode(&self) -> String;
}
impl Encode for i32 {
    fn encode(&self) -> String {
        self.to_string()
    }
}
impl Encode for String {
    fn encode(&self) -> String {
        format!("{:?}", self)
    }
}
impl<T: Encode> Encode for Vec<T> {
    fn encode(&self) -> String {
        format!("[{}]", self.iter().map(|item| item.encode()).collect::<Vec<_>>().join(","))
    }
}
impl<K: Encode, V: Encode> Encode for HashMap<K, V> {
    fn encode(&self) -> String {
        let pairs = self.iter().map(|(key, item)| format!("[{},{}]", key.encode(), item.encode()));
        format!("[{}]", pairs.collect::<Vec<_>>().join(","))
    }
}

fn report<T: Encode>(index: usize, call: impl FnOnce() -> T + panic::UnwindSafe) {
    let told = match panic::catch_unwind(call) {
        Ok(value) => format!("value {}", value.encode()),
        Err(_) => "raised panic".to_string(),
    };
    println!("\nSALT {} {}", index, told);
    std::io::stdout().flush().unwrap();
}

fn main() {
    report(0, || parse_nested_parens("(()()) ((())) () ((())()())".to_string()));
    report(1, || parse_nested_parens("() (()) ((())) (((())))".to_string()));
    report(2, || parse_nested_parens("(()(())((())))".to_string()));
    report(3, || histogram("a b c a".to_string()));
    report(4, || histogram("a b b a".to_string()));
    report(5, || histogram("".to_string()));
}
