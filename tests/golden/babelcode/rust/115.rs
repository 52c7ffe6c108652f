pub fn max_fill(grid: Vec<Vec<i32>>, capacity: i32) -> i32 {
    let mut times = 0;
    for well in grid {
        let water: i32 = well.iter().sum();
        times += (water + capacity - 1) / capacity;
    }
    times
}
