pub fn tri(n: i32) -> Vec<f32> {
    let mut row = vec![1.0, 3.0];
    for i in 2..=n as usize {
        if i % 2 == 0 {
            row.push(1.0 + i as f32 / 2.0);
        } else {
            row.push(row[i - 1] + row[i - 2] + (i + 3) as f32 / 2.0);
        }
    }
    row.truncate(n as usize + 1);
    row
}
