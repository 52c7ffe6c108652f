pub fn get_row(lst: Vec<Vec<i32>>, x: i32) -> Vec<Vec<i32>> {
    let mut found = Vec::new();
    for (row, values) in lst.iter().enumerate() {
        for (column, value) in values.iter().enumerate().rev() {
            if *value == x {
                found.push(vec![row as i32, column as i32]);
            }
        }
    }
    found
}
