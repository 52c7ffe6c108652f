pub fn triangle_area(a: i32, h: i32) -> f32 {
    (a * h) as f32 / 2.0
}
