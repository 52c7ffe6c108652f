pub fn any_int(x: f32, y: f32, z: f32) -> bool {
    if x.fract() != 0.0 || y.fract() != 0.0 || z.fract() != 0.0 {
        return false;
    }
    x + y == z || x + z == y || y + z == x
}
